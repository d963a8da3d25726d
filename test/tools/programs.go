package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A program is a tool that this command does not install.
type program struct {
	name    string
	version []string // arguments that print the version; nil means any will do
	atLeast [2]int   // major, minor
	get     string   // how to get it
}

var programs = []program{
	{"go", []string{"version"}, [2]int{1, 26}, "see https://go.dev/doc/install"},
	{"git", nil, [2]int{}, "apt-get install git"},
	{"node", []string{"--version"}, [2]int{20, 0}, "see https://nodejs.org/en/download"},
	{"npm", nil, [2]int{}, "it comes with Node: see https://nodejs.org/en/download"},
	{"terraform", []string{"version"}, [2]int{1, 11}, "see https://developer.hashicorp.com/terraform/install"},
	{"java", nil, [2]int{}, "apt-get install default-jre-headless"},
	{"gcloud", nil, [2]int{}, "see https://cloud.google.com/sdk/docs/install, then: gcloud components install cloud-firestore-emulator"},
}

func has(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

var versionNumber = regexp.MustCompile(`(\d+)\.(\d+)`)

// check returns an error that says what is missing and how to get it.
func (p program) check() error {
	if !has(p.name) {
		return fmt.Errorf("%s is missing; to get it: %s", p.name, p.get)
	}
	if p.name == "gcloud" {
		return p.checkEmulator()
	}
	if p.version == nil {
		fmt.Println(p.name, "ok")
		return nil
	}
	out, err := exec.Command(p.name, p.version...).Output()
	if err != nil {
		return fmt.Errorf("%s %s: %w", p.name, strings.Join(p.version, " "), err)
	}
	m := versionNumber.FindStringSubmatch(string(out))
	if m == nil {
		return fmt.Errorf("%s: no version in %q", p.name, out)
	}
	major, _ := strconv.Atoi(m[1]) // digits, as matched
	minor, _ := strconv.Atoi(m[2])
	if major < p.atLeast[0] || major == p.atLeast[0] && minor < p.atLeast[1] {
		return fmt.Errorf("%s is %s, wanted %d.%d or later; to get it: %s", p.name, m[0], p.atLeast[0], p.atLeast[1], p.get)
	}
	fmt.Println(p.name, m[0], "ok")
	return nil
}

// checkEmulator looks for the part of the Google Cloud CLI that tests use.
func (p program) checkEmulator() error {
	out, err := exec.Command("gcloud", "info", "--format=value(installation.sdk_root)").Output()
	if err != nil {
		return fmt.Errorf("gcloud info: %w", err)
	}
	jars, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "platform", "cloud-firestore-emulator", "*.jar"))
	if err != nil || len(jars) == 0 {
		return fmt.Errorf("the Firestore emulator is missing; to get it: gcloud components install cloud-firestore-emulator " +
			"(or, with Google's Debian packages: apt-get install google-cloud-cli-firestore-emulator)")
	}
	fmt.Println("gcloud with the Firestore emulator ok")
	return nil
}

// npmInstall installs what the lock file of dir says, unless it is there already.
func npmInstall(dir string) error {
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	// npm writes this file last.
	if done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && done.ModTime().After(lock.ModTime()) {
		fmt.Println("npm packages of", dir, "ok")
		return nil
	}
	if err := show(dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	return nil
}

// chromium installs Debian's Chromium where that is possible.
func chromium() error {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if has(name) {
			fmt.Println(name, "ok")
			return nil
		}
	}
	if os.Geteuid() != 0 || !has("apt-get") {
		return fmt.Errorf("chromium is missing; to get it: sudo apt-get install chromium")
	}
	if err := show("", "apt-get", "update"); err != nil {
		return fmt.Errorf("apt-get update: %w", err)
	}
	if err := show("", "apt-get", "install", "-y", "--no-install-recommends", "chromium"); err != nil {
		return fmt.Errorf("apt-get install chromium: %w", err)
	}
	return nil
}

// show runs a command whose output the person sees.
func show(dir, name string, args ...string) error {
	fmt.Println("+", name, strings.Join(args, " "))
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	return cmd.Run()
}
