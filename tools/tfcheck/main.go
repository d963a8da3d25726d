// Tfcheck checks terraform/ without a cloud and without downloads by terraform:
//
//	GOWORK=off go run -C tools/tfcheck . [step ...]
//
// Steps, all of them in this order if none is named:
//
//	openapi   lint of the path map
//	fmt       terraform fmt -check
//	validate  terraform validate
//	test      terraform test: a mocked apply, and a bad value for each validation
//	plan      assertions on plans by the real Google provider
//	apply     apply, change, break and destroy against the control plane
//	tofu      test, and apply, plan, update and destroy there, by OpenTofu too, where it was by Terraform
//	tflint    tflint with the Google rules
//	tools     only build what the other steps need
//
// The first run builds the provider, which takes about 7 minutes on two cores;
// later ones take seconds. It needs Go, for openapi npm, for plan and apply Maven,
// for apply gcloud. Where Terraform is missing, OpenTofu takes its place;
// TERRAFORM=tofu in the environment asks for it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

type step struct {
	name string
	run  func(context.Context, *toolbox.Box) error
}

var steps = []step{
	{"openapi", openapi},
	{"fmt", format},
	{"validate", validate},
	{"test", test},
	{"plan", plan},
	{"apply", apply},
	{"tofu", tofu},
	{"tflint", tflint},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tfcheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	box, err := toolbox.Open(os.Stderr)
	if err != nil {
		return err
	}
	if slices.Equal(names, []string{"tools"}) {
		return tools(ctx, box)
	}
	for _, name := range names {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.name == name }) {
			return fmt.Errorf("no step %q: the steps are openapi, fmt, validate, test, plan, apply, tofu, tflint, "+
				"or tools alone", name)
		}
	}
	failed := 0
	for _, s := range steps {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		begin := time.Now()
		verdict := "ok  "
		if err := s.run(ctx, box); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", s.name, err)
			verdict = "FAIL"
			failed++
		}
		fmt.Printf("%s %-8s %.1fs\n", verdict, s.name, time.Since(begin).Seconds())
	}
	if failed > 0 {
		return fmt.Errorf("%d of the steps failed", failed)
	}
	return nil
}

func tools(ctx context.Context, box *toolbox.Box) error {
	if _, err := box.Terraform(ctx); err != nil {
		return err
	}
	if _, err := box.OpenTofu(ctx); err != nil {
		return err
	}
	if _, err := box.TFLint(ctx); err != nil {
		return err
	}
	if _, err := box.Converter(ctx); err != nil {
		return err
	}
	_, err := box.OpenAPILint(ctx)
	return err
}

func openapi(ctx context.Context, box *toolbox.Box) error {
	cmd, err := box.OpenAPILint(ctx)
	if err != nil {
		return err
	}
	return cmd.Run()
}

// terraform runs one command in terraform/, where the modules have to be known first.
func terraform(ctx context.Context, box *toolbox.Box, args ...string) error {
	tf, err := box.Terraform(ctx)
	if err != nil {
		return err
	}
	packages, err := box.Placeholders()
	if err != nil {
		return err
	}
	dir := filepath.Join(box.Root, "terraform")
	for _, a := range [][]string{{"get"}, args} {
		cmd := tf.Command(ctx, dir, "root", append(a, "-no-color")...)
		cmd.Env = append(cmd.Env, "TF_VAR_packages_dir="+packages)
		if a[0] == "get" {
			cmd.Stdout = nil // a list of modules, one per run of a test
		}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("terraform %s: %w", a[0], err)
		}
	}
	return nil
}

func format(ctx context.Context, box *toolbox.Box) error {
	return terraform(ctx, box, "fmt", "-check", "-diff", "-recursive")
}

func validate(ctx context.Context, box *toolbox.Box) error {
	return terraform(ctx, box, "validate")
}

func test(ctx context.Context, box *toolbox.Box) error {
	return terraform(ctx, box, "test")
}

func plan(ctx context.Context, box *toolbox.Box) error {
	return goTest(ctx, box, "./plan", "./toolbox", "./controlplane")
}

func apply(ctx context.Context, box *toolbox.Box) error {
	return goTest(ctx, box, sideBySide, "-timeout=30m", "./apply")
}

// sideBySide is how many scenarios run at a time: a Terraform waits more than it computes, and two at a
// time, one for each core, leave half of two cores idle.
const sideBySide = "-parallel=6"

// tofu is what tells programs apart: the mocked apply, and from nothing, again, another package, and the end.
func tofu(ctx context.Context, box *toolbox.Box) error {
	if os.Getenv("TERRAFORM") == "tofu" {
		return nil // so all was by it
	}
	if err := os.Setenv("TERRAFORM", "tofu"); err != nil {
		return err
	}
	defer os.Unsetenv("TERRAFORM")
	if err := test(ctx, box); err != nil {
		return err
	}
	some := "^Test(ApplyFromNothing|SecretsWithoutVersionsStopTheFirstApply|AnotherPackageUpdatesItsFunctionAlone|" +
		"DestroyIsRefusedWhole|AsAModule)$"
	return goTest(ctx, box, sideBySide, "-timeout=30m", "-run", some, "./apply")
}

// goTest runs go test with arguments in this module.
func goTest(ctx context.Context, box *toolbox.Box, args ...string) error {
	// Built before, so that the tests' own time limit is about the tests.
	if _, err := box.Terraform(ctx); err != nil {
		return err
	}
	cmd := box.Command(ctx, filepath.Join(box.Root, "tools", "tfcheck"), "go",
		append([]string{"test", "-count=1"}, args...)...)
	cmd.Env = append(cmd.Env, "GOWORK=off")
	return cmd.Run()
}

func tflint(ctx context.Context, box *toolbox.Box) error {
	commands, err := box.TFLint(ctx)
	if err != nil {
		return err
	}
	for _, cmd := range commands {
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("tflint in %s: %w", cmd.Dir, err)
		}
	}
	return nil
}
