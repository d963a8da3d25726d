// Package doctor looks at a deployment from outside, as a client sees it, and says what
// is wrong and what to do about it. It needs no credential, but for a look at the records. What it leaves behind is
// nothing: the one client that it registers it deletes again.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/store/driver"
)

// A Report is what was found.
type Report struct {
	URL    string // the origin that was looked at
	Checks []Check
}

// Count returns the number of findings that say that something is wrong, and of those
// that say that it could not be looked at.
func (r Report) Count() (wrong, unknown int) {
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if f.Unknown {
				unknown++
			} else {
				wrong++
			}
		}
	}
	return wrong, unknown
}

// A Check is one thing that was looked at.
type Check struct {
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Note     string    `json:"note,omitempty"` // what is worth knowing and no fault
	Findings []Finding `json:"findings,omitempty"`
}

// A State is what a check came to.
type State string

// The states.
const (
	Good    State = "ok"
	Wrong   State = "wrong"
	Unknown State = "unknown" // it could not be looked at: no answer, or a fault instead of one
)

// state returns what the findings of a check come to.
func (c Check) state() State {
	s := Good
	for _, f := range c.Findings {
		if !f.Unknown {
			return Wrong
		}
		s = Unknown
	}
	return s
}

// A Finding is what is wrong, or what kept a check from finding out.
type Finding struct {
	Problem string `json:"problem"` // what was seen and what was wanted
	Do      string `json:"do"`      // what to do about it
	Unknown bool   `json:"unknown"` // it says nothing about what the check looks for
}

// Options may be nil.
type Options struct {
	// Transport sends the requests; nil is a fresh one. (TLS is looked at on the
	// connections it makes.)
	Transport http.RoundTripper
	// Now is the clock of this computer; nil means time.Now.
	Now func() time.Time
	// Store is where the records are; nil leaves them alone.
	Store driver.Driver
	// Begin is called with the name of each check before it is made; nil is not.
	Begin func(check string)
}

// Run looks at the deployment whose origin, or MCP URL, is address. The error says that
// address is not one; all else is in the report.
func Run(ctx context.Context, address string, o *Options) (Report, error) {
	origin, err := originOf(address)
	if err != nil {
		return Report{}, cli.Usage("%s: %w", address, err)
	}
	p := newProbe(origin, o)
	report := Report{URL: origin}
	for _, c := range p.checks() {
		p.check = &Check{Name: c.name}
		p.begin(c.name)
		err := c.look(ctx, p)
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		if err != nil {
			p.unknown(fmt.Sprintf("no answer: %v", err),
				"see that the name resolves, that the load balancer or gateway is up, "+
					"and that this computer may reach it; locally it is http, not https")
		}
		p.check.State = p.check.state()
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

// A look is a check by name. Its error means that there was no answer.
type look struct {
	name string
	look func(context.Context, *probe) error
}

// checks returns what is looked at.
func (p *probe) checks() []look {
	if p.store == nil {
		return fromOutside
	}
	return append([]look{{"records", records}}, fromOutside...)
}

// fromOutside are the checks that need no credential, in their order.
var fromOutside = []look{
	{"reachable", reachable},
	{"tls", checkTLS},
	{"clock", clock},
	{"documents", documents},
	{"metadata", metadata},
	{"keys", keys},
	{"challenge", challenge},
	{"resources", resources},
	{"credentials", credentials},
	{"cors", cors},
	{"registration", registration},
	{"authorize", authorize},
	{"token", token},
	{"identity provider", provider},
	{"repeats", repeats},
	{"paths", paths},
	{"speed", speed},
}
