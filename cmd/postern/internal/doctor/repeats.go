package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
)

// sentTrace is the trace of a request that names one (W3C Trace Context §3.2.2).
const sentTrace = "706f737465726e20646f63746f720001"

// repeats looks at what the token function recognises a request by that a gateway sends
// again because the answer was lost (I5): the trace, which answers name. From outside no
// answer can be made to get lost. What can be seen is that each request has a trace of its
// own, and that one that is there in front of the gateway reaches the function: then it is
// the same in every attempt.
func repeats(ctx context.Context, p *probe) error {
	var traces []string
	for _, sent := range []string{"", "", "00-" + sentTrace + "-706f737465726e21-00"} {
		header := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		if sent != "" {
			header["Traceparent"] = sent
		}
		body := url.Values{"client_id": {"none"}}.Encode()
		q := request{method: http.MethodPost, path: oauth.TokenPath, header: header, body: body}
		a, err := p.ask(ctx, q)
		if err != nil || p.wrongStatus(a, http.StatusBadRequest, http.StatusUnauthorized) {
			return err
		}
		if len(traces) == 0 && a.header.Get("X-Trace-Id") == "" {
			p.noTrace(a)
			return nil
		}
		traces = append(traces, a.header.Get("X-Trace-Id"))
	}
	switch {
	case traces[0] == traces[1]:
		p.found(fmt.Sprintf("two requests have one trace, %s", traces[0]),
			"see what in front sets Traceparent or X-Cloud-Trace-Context: it must be another for each request")
	case traces[2] != sentTrace:
		p.unknown("a trace that was sent does not reach the function, "+
			"so it may get another in each attempt of the gateway",
			"let Traceparent through; or compare the traces of a request that the gateway sent twice "+
				"in the log of token: if they differ, a client whose answer is lost has to sign in again")
	default:
		p.check.Note = "a request is known by its trace; " +
			"that the gateway keeps it when it sends a request again cannot be seen from outside"
	}
	return nil
}

// noTrace notes that requests have no trace, which is wrong where a gateway repeats them.
func (p *probe) noTrace(a answer) {
	const means = "no request has a trace"
	if !strings.Contains(a.header.Get("Server")+a.header.Get("Via"), "oogle") {
		p.check.Note = means + ": whatever comes twice is a replay, which is right where no gateway repeats requests"
		return
	}
	p.found(means+", so one that the gateway sends again is taken for a replay, "+
		"and a client whose answer was lost has to sign in again",
		"let Traceparent or X-Cloud-Trace-Context through to the functions")
}
