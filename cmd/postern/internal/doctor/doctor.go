// Package doctor looks at a deployment from outside, as a client sees it, and says what
// is wrong and what to do about it. It needs no credential. What it leaves behind is
// nothing: the one client that it registers it deletes again.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/origin"
)

// A Report is what was found. Its JSON is for programs.
type Report struct {
	URL    string  `json:"url"` // the origin that was looked at
	Checks []Check `json:"checks"`
}

// Problems returns the number of findings.
func (r Report) Problems() (n int) {
	for _, c := range r.Checks {
		n += len(c.Findings)
	}
	return n
}

// A Check is one thing that was looked at.
type Check struct {
	Name     string    `json:"name"`
	Note     string    `json:"note,omitempty"` // what is worth knowing and no fault
	Findings []Finding `json:"findings,omitempty"`
}

// A Finding is a fault.
type Finding struct {
	Problem string `json:"problem"` // what was seen and what was wanted
	Do      string `json:"do"`      // what to do about it
}

// Options may be nil.
type Options struct {
	// Transport sends the requests; nil is a fresh one. (TLS is looked at on the
	// connections it makes.)
	Transport http.RoundTripper
	// Now is the clock of this computer; nil means time.Now.
	Now func() time.Time
}

// Run looks at the deployment whose origin, or MCP URL, is address. The error says that
// address is none; all else is in the report.
func Run(ctx context.Context, address string, o *Options) (Report, error) {
	origin, err := originOf(address)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", address, err)
	}
	p := newProbe(origin, o)
	report := Report{URL: origin}
	for _, c := range checks {
		p.check = &Check{Name: c.name}
		err := c.look(ctx, p)
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		if err != nil {
			p.found(fmt.Sprintf("no answer: %v", err), "see that the name resolves, that the load balancer or gateway is up, and that this computer may reach it; locally it is http, not https")
		}
		report.Checks = append(report.Checks, *p.check)
		if errors.Is(err, errUnreachable) {
			break // the others would say the same
		}
	}
	return report, nil
}

// originOf accepts what people paste: the origin, with or without slash, or the MCP URL.
func originOf(address string) (string, error) {
	s := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(address, "/"), "/mcp"), "/")
	origin, err := origin.Parse(s)
	if err != nil {
		return "", fmt.Errorf("%w: want the public origin, like https://auth.example.com", err)
	}
	return origin.String(), nil
}

// checks are looked at in this order. An error of look means that there was no answer.
var checks = []struct {
	name string
	look func(context.Context, *probe) error
}{
	{"reachable", reachable},
	{"tls", checkTLS},
	{"clock", clock},
	{"documents", documents},
	{"metadata", metadata},
	{"keys", keys},
	{"challenge", challenge},
	{"credentials", credentials},
	{"cors", cors},
	{"registration", registration},
	{"authorize", authorize},
	{"token", token},
	{"paths", paths},
	{"speed", speed},
}
