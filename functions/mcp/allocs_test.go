package mcp

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/benchtest"
)

// A warm call allocates little beyond what the SDK does for it: the same SDK server, with the
// same options, behind the SDK's own check of a token. A failure is an allocation more.
func TestAWarmCallAllocatesLittleOfItsOwn(t *testing.T) {
	f := newEndpoint(t)
	f.Edge.Log = telemetry.NewLogger(io.Discard, nil, "")
	f.serve(echo("echo"))
	token := f.connect(t, "octocat", "Client", nil).token
	ours, theirs := allocations(t, f.open(t), token), allocations(t, sdkAlone(), token)
	t.Logf("%v of %v allocations are our own", ours-theirs, ours)
	if own := ours - theirs; own > ownAllocations {
		t.Errorf("got %v allocations of our own, want at most %d", own, ownAllocations)
	}
}

// sdkAlone is what the SDK itself does for a caller with a token.
func sdkAlone() http.Handler {
	s := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, nil)
	say := func(_ context.Context, _ *sdk.CallToolRequest, in text) (*sdk.CallToolResult, text, error) {
		return nil, text{"octocat: " + in.Text}, nil
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo"}, say)
	verify := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) {
		return &auth.TokenInfo{
			UserID: "octocat", Expiration: time.Now().Add(time.Hour), Extra: map[string]any{"caller": s},
		}, nil
	}
	return auth.RequireBearerToken(verify, nil)(sdk.NewStreamableHTTPHandler(
		func(*http.Request) *sdk.Server { return s },
		&sdk.StreamableHTTPOptions{Stateless: true, PropagateRequestCancellation: true}))
}

// allocations is how many a call makes, once the handler is warm.
func allocations(t *testing.T, h http.Handler, token string) float64 {
	t.Helper()
	r := request(t.Context(), token, echoBody)
	header := r.Header.Clone()
	body := strings.NewReader(echoBody)
	call := func() {
		body.Reset(echoBody)
		r.Header = header.Clone()
		r.Body = io.NopCloser(body)
		w := &benchtest.Sink{}
		h.ServeHTTP(w, r)
		if w.Status != http.StatusOK {
			t.Fatalf("got %d %s", w.Status, w.Body)
		}
	}
	least := testing.AllocsPerRun(50, call)
	for range 5 { // what else runs in the process, the collector included, only ever adds some
		least = min(least, testing.AllocsPerRun(50, call))
	}
	return least
}
