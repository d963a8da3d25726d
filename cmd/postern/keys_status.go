package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

// keysReport is what `keys status` knows. Nothing in it is secret.
type keysReport struct {
	Rings []keyring.RingStatus `json:"rings"`
	Next  []keyring.Step       `json:"next"`
	// Sealed counts the documents that each Fernet key sealed, by collection; those
	// that no key opens under "".
	Sealed map[string]map[string]int `json:"sealed,omitempty"`
}

func newKeysStatus(out *cli.Output, o *keysOptions) *cobra.Command {
	var count bool
	cmd := withKeys(out, o, &cobra.Command{
		Use: "status", Short: "Show every key, what it does and what comes next", Args: none,
	}, func(ctx context.Context, k keysRun, _ []string) error {
		report, problem := k.report(ctx)
		if count {
			var err error
			report.Sealed, err = k.usage(ctx)
			problem = errors.Join(problem, err)
		}
		return errors.Join(report.show(out), problem)
	})
	cmd.Flags().BoolVar(&count, "count", false,
		"also count the records that each Fernet key sealed, which reads all of them")
	return cmd
}

// report looks at the rings. It returns an error, besides, if one cannot be read.
func (k keysRun) report(ctx context.Context) (keysReport, error) {
	r := keysReport{Rings: k.Status(ctx), Next: []keyring.Step{}}
	var problems []error
	for _, ring := range r.Rings {
		if ring.Problem != "" {
			problems = append(problems, errors.New(ring.Problem))
		}
	}
	for _, ring := range writingRings {
		if s, err := k.Next(ctx, ring); err == nil && s.Action != keyring.Nothing {
			r.Next = append(r.Next, s)
		}
	}
	return r, errors.Join(problems...)
}

func (r keysReport) show(out *cli.Output) error {
	rows := [][]string{}
	for _, ring := range r.Rings {
		for _, key := range ring.Keys {
			since := cli.Time(key.Since)
			rows = append(rows, []string{ring.Ring, key.Key, string(key.State), since, r.sealedBy(ring.Ring, key.Key)})
		}
		if ring.Problem != "" {
			rows = append(rows, []string{ring.Ring, "-", "unreadable", "-", ""})
		}
	}
	if err := out.Show([]any{r}, []string{"RING", "KEY", "STATE", "SINCE", ""}, rows); err != nil {
		return err
	}
	rows = rows[:0]
	for _, s := range r.Next {
		due := "now"
		if time.Now().Before(s.After) {
			due = "after " + cli.Time(s.After)
		}
		rows = append(rows, []string{fmt.Sprintf("next: %s, %s", s, due)})
	}
	if n := r.Sealed[""]; n != nil {
		rows = append(rows, []string{"no key opens: " + operator.UsageText(n)})
	}
	return out.Show(nil, nil, rows)
}

func (r keysReport) sealedBy(ring, key string) string {
	if r.Sealed == nil || ring != keyring.Fernet {
		return ""
	}
	return operator.UsageText(r.Sealed[key])
}

// usage counts the records of each Fernet key.
func (k keysRun) usage(ctx context.Context) (map[string]map[string]int, error) {
	ring, op, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	usage, err := op.Usage(ctx, ring)
	return usage, errors.Join(err, op.Close())
}
