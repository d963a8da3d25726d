package doctor

import (
	"encoding/json"
	"fmt"
	"io"
)

// Print writes a report for people: one line per check, what is wrong below it.
func (r Report) Print(w io.Writer) error {
	b := &printer{w: w}
	b.line("%s\n", r.URL)
	for _, c := range r.Checks {
		mark := "ok"
		if len(c.Findings) > 0 {
			mark = "WRONG"
		}
		b.line("%-6s %-13s %s", mark, c.Name, c.Note)
		for _, f := range c.Findings {
			b.line("         %s", f.Problem)
			b.line("         do: %s", f.Do)
		}
	}
	b.line("")
	switch n := r.Problems(); n {
	case 0:
		b.line("Nothing is wrong.")
	case 1:
		b.line("1 thing is wrong.")
	default:
		b.line("%d things are wrong.", n)
	}
	return b.err
}

// PrintJSON writes a report for programs.
func (r Report) PrintJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Problems int `json:"problems"`
		Report
	}{r.Problems(), r})
}

// A printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
