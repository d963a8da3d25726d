package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

const (
	requestTime = 30 * time.Second // until a request is given up
	maxAnswer   = 1 << 20          // bytes of an answer that are read

	// inspector is the origin of a client that runs in a browser, MCP Inspector.
	inspector = "http://localhost:6274"
)

var errUnreachable = errors.New("unreachable")

// A probe is the deployment under examination and what was seen of it.
type probe struct {
	origin string
	client *http.Client
	now    func() time.Time
	begin  func(check string)
	check  *Check // that is being made
	store  driver.Driver

	documents map[string]answer // by path, of check documents
	slowest   answer
}

func newProbe(origin string, o *Options) *probe {
	if o == nil {
		o = &Options{}
	}
	p := &probe{origin: origin, now: o.Now, begin: o.Begin, store: o.Store, documents: map[string]answer{}}
	if p.now == nil {
		p.now = time.Now
	}
	if p.begin == nil {
		p.begin = func(string) {}
	}
	p.client = &http.Client{
		Transport: o.Transport,
		Timeout:   requestTime,
		// A redirect is something to see, not to follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if p.client.Transport == nil {
		p.client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	return p
}

// found notes what is wrong, in the check that is being made.
func (p *probe) found(problem, do string) {
	p.check.Findings = append(p.check.Findings, Finding{Problem: problem, Do: do})
}

// unknown notes what keeps the check that is being made from finding out.
func (p *probe) unknown(problem, do string) {
	p.check.Findings = append(p.check.Findings, Finding{Problem: problem, Do: do, Unknown: true})
}

// fault reports whether the server, or something on the way, could not answer or would
// not now. That says nothing about what was asked.
func (a answer) fault() bool { return a.status == http.StatusTooManyRequests || a.status >= 500 }

// A request is one question.
type request struct {
	method, path string
	header       map[string]string
	body         string
}

// An answer is what came back.
type answer struct {
	request  request
	status   int
	header   http.Header
	body     []byte
	tls      *tls.ConnectionState
	sent     time.Time
	received time.Time
}

// ask sends a request. It fails only if there is no answer.
func (p *probe) ask(ctx context.Context, q request) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, p.origin+q.path, strings.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("User-Agent", "postern-doctor")
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	a := answer{request: q, sent: p.now()}
	resp, err := p.client.Do(r)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the method and URL, which are said here
	}
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	defer resp.Body.Close()
	a.status, a.header, a.tls = resp.StatusCode, resp.Header, resp.TLS
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return a, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	a.received = p.now()
	if a.took() > p.slowest.took() {
		p.slowest = a
	}
	return a, nil
}

func (a answer) took() time.Duration { return a.received.Sub(a.sent) }

// String names the request that was answered, without its query.
func (a answer) String() string {
	path, _, _ := strings.Cut(a.request.path, "?")
	return a.request.method + " " + path
}

// isJSON reports whether the answer says that it is JSON and is.
func (a answer) isJSON() bool {
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return err == nil && kind == "application/json" && json.Valid(a.body)
}

// object returns the answer as a JSON object, nil if it is not one.
func (a answer) object() map[string]any {
	var o map[string]any
	if !a.isJSON() || json.Unmarshal(a.body, &o) != nil {
		return nil
	}
	return o
}

// code returns the error code of an OAuth answer, empty if it is not one.
func (a answer) code() string { return text(a.object()["error"]) }

func text(v any) string {
	s, _ := v.(string)
	return s
}

// gateways reports whether the answer is the gateway's own: JSON with code and message.
func (a answer) gateways() bool {
	o := a.object()
	_, code := o["code"].(float64)
	_, message := o["message"].(string)
	return code && message
}

// wrongStatus notes an answer with another status than one of want, with the likeliest
// reason, and reports whether it did.
func (p *probe) wrongStatus(a answer, want ...int) bool {
	if slices.Contains(want, a.status) {
		return false
	}
	note := p.found
	if a.fault() {
		note = p.unknown
	}
	note(fmt.Sprintf("%s: status %d, want %s", a, a.status, oneOf(want)), advice(a))
	return true
}

func oneOf(statuses []int) string {
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = fmt.Sprint(s)
	}
	return strings.Join(words, " or ")
}

// advice guesses from an answer what is wrong.
func advice(a answer) string {
	switch {
	case a.status/100 == 3:
		return "answer at the very URL: clients do not follow redirects to documents; " +
			"look for a load balancer or proxy that redirects to " + a.header.Get("Location")
	case a.status == http.StatusForbidden && !a.isJSON():
		return "what is in front may not call the function: give roles/run.invoker on the service to the gateway's " +
			"account, or straight behind a load balancer to allUsers (terraform apply does; a policy of the " +
			"organisation may refuse the latter)"
	case a.status == http.StatusForbidden && bytes.Contains(a.body, []byte("did not come through the load balancer")):
		return "the load balancer does not send the proof that the function knows (LOAD_BALANCER_PROOF): " +
			"some minutes after a change it does, else run terraform apply"
	case a.gateways() && (a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed):
		return "the gateway does not list this: " +
			"deploy terraform/gateway/openapi.yaml as it is in this version (terraform apply)"
	case a.status == http.StatusTooManyRequests:
		return "wait " + retryAfter(a) + " and run doctor again"
	case a.status == http.StatusGatewayTimeout:
		return "the function took longer than the deadline: " +
			"look at its log; min_instances = 1 avoids cold starts"
	case a.status >= 500:
		return "read the function's log for request " + a.header.Get("X-Request-Id") +
			": a store, key ring or setting is missing; doctor --store firestore:PROJECT looks at the records"
	case bytes.Contains(a.body, []byte("<html")):
		return "something else than Postern answers here: check the host's DNS and the load balancer's path rules"
	}
	return "see that this version is deployed: terraform plan should show no changes"
}

func retryAfter(a answer) string {
	if s := a.header.Get("Retry-After"); s != "" {
		return s + " seconds"
	}
	return "a minute"
}

// wantCORS notes an answer that a client in a browser may not read (L2).
func (p *probe) wantCORS(a answer) {
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "*" {
		p.found(fmt.Sprintf("%s: Access-Control-Allow-Origin is %q, want *", a, got),
			"clients in a browser see a network error: "+
				"something between here and the function takes CORS headers away, or answers itself")
	}
}

// wantJSON notes an answer that is not JSON, and reports whether it is.
func (p *probe) wantJSON(a answer) bool {
	if a.isJSON() {
		return true
	}
	kind := a.header.Get("Content-Type")
	p.found(fmt.Sprintf("%s: status %d with Content-Type %q, want JSON", a, a.status, kind), advice(a))
	return false
}
