package operator

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// PrintJSON writes v for programs.
func PrintJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Table writes rows under a heading, in columns.
func Table(w io.Writer, heading []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if heading != nil {
		fmt.Fprintln(t, strings.Join(heading, "\t"))
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, plain(cell))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// plain makes text that somebody else wrote harmless to a terminal and a table.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// print writes v as JSON, or rows as a table.
func (op *Operator) print(v any, heading []string, rows [][]string) error {
	if op.JSON {
		return PrintJSON(op.Out, v)
	}
	return Table(op.Out, heading, rows)
}

// A sealedView is what can be said of a document without the ring.
type sealedView struct {
	Document string `json:"document"`
	Client   string `json:"client_document,omitempty"`
	Person   string `json:"person_document,omitempty"`
}
