package webtest

import (
	"fmt"
	"slices"
	"strings"
)

// An Every is what the answers of one kind of endpoint have in common. It is asserted of
// each answer, so that no stanza says it. A line is a header as a stanza would state it.
type Every struct {
	// Always are lines that every answer carries.
	Always []string
	// Preflight are lines that every answer to OPTIONS carries too.
	Preflight []string
	// Usual are lines that an answer carries unless its stanza states another value, or
	// "Name: none" for an answer without it.
	Usual []string
}

// API is what every answer of an endpoint for programs carries: any page may call it and
// read what explains a refusal, and nothing of it is kept or guessed at.
var API = Every{
	Always: []string{
		"Access-Control-Allow-Origin: *",
		"Access-Control-Expose-Headers: WWW-Authenticate, Mcp-Session-Id, X-Request-Id, Retry-After",
		"X-Content-Type-Options: nosniff",
		"X-Request-Id: {request_id}",
	},
	Preflight: []string{
		"Access-Control-Allow-Headers: Authorization, Content-Type, Accept, " +
			"MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID",
		"Access-Control-Max-Age: 7200",
	},
	Usual: []string{"Cache-Control: no-store"},
}

// Pages is what every answer of an endpoint for people carries: no page of another site may
// read, frame or script it, and nothing of it is kept or sent on.
var Pages = Every{
	Always: []string{
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-{style_hash}'; " +
			"base-uri 'none'; frame-ancestors 'none'",
		"Referrer-Policy: no-referrer",
		"Vary: Accept, Accept-Language",
		"X-Content-Type-Options: nosniff",
		"X-Frame-Options: DENY",
		"X-Request-Id: {request_id}",
	},
	Usual: []string{"Cache-Control: no-store"},
}

// And returns e with more usual lines.
func (e Every) And(usual ...string) Every {
	e.Usual = slices.Concat(e.Usual, usual)
	return e
}

// leaveOut returns a masked answer without what goes without saying. Its error names the
// lines that the answer lacks.
func (e Every) leaveOut(preflight bool, answer string) (string, error) {
	head, body, _ := strings.Cut(answer, "\n\n")
	lines := strings.Split(head, "\n")
	must := e.Always
	if preflight {
		must = slices.Concat(must, e.Preflight)
	}
	var lacks []string
	for _, line := range must {
		var found bool
		if lines, found = remove(lines, line); !found {
			lacks = append(lacks, line)
		}
	}
	for _, line := range e.Usual {
		name, _, _ := strings.Cut(line, ":")
		var found bool
		if lines, found = remove(lines, line); !found && !slices.ContainsFunc(lines, isHeader(name)) {
			lines = append(lines, name+": none")
			slices.Sort(lines[1:])
		}
	}
	stated := strings.Join(lines, "\n") + "\n\n" + body
	if len(lacks) > 0 {
		return stated, fmt.Errorf("lacks what every answer carries:\n\t%s\nit has\n\t%s",
			strings.Join(lacks, "\n\t"), strings.Join(lines, "\n\t"))
	}
	return stated, nil
}

func remove(lines []string, line string) ([]string, bool) {
	i := slices.Index(lines, line)
	if i < 0 {
		return lines, false
	}
	return slices.Delete(slices.Clone(lines), i, i+1), true
}

func isHeader(name string) func(line string) bool {
	return func(line string) bool { return strings.HasPrefix(line, name+":") }
}
