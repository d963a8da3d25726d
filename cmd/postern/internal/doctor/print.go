package doctor

import (
	"errors"
	"strings"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// marks are the states for people.
var marks = map[State]string{Good: "ok", Wrong: "WRONG", Unknown: "UNKNOWN"}

// Show shows a report: to programs the checks, to people a line for each, what was found
// below it, and the sum.
func (r Report) Show(out *cli.Output) error {
	items, rows := []any{}, [][]string{}
	for _, c := range r.Checks {
		items = append(items, c)
		rows = append(rows, []string{marks[c.State], c.Name, c.Note})
		for _, f := range c.Findings {
			rows = append(rows, []string{"", "", f.Problem}, []string{"", "", "do: " + f.Do})
		}
	}
	err := out.Show(nil, nil, [][]string{{r.URL}, {}})
	return errors.Join(err, out.Show(items, nil, rows), out.Show(nil, nil, [][]string{{}, {r.sum()}}))
}

// Err returns the sum as an error, nil if everything was looked at and good.
func (r Report) Err() error {
	if wrong, unknown := r.Count(); wrong+unknown == 0 {
		return nil
	}
	return errors.New(r.sum())
}

// sum says how much is wrong.
func (r Report) sum() string {
	wrong, unknown := r.Count()
	var parts []string
	if wrong > 0 {
		parts = append(parts, cli.Count(wrong, "thing is wrong", "things are wrong"))
	}
	if unknown > 0 {
		parts = append(parts, cli.Count(unknown, "thing could not be looked at", "things could not be looked at"))
	}
	if parts == nil {
		return "nothing is wrong"
	}
	return strings.Join(parts, ", ")
}
