package mcp

import (
	"net/http"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// An answer has the very id of its request, or the request is refused (MP-03, HT-07).
func TestAnIDComesBackAsItWasSentOrIsRefused(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	ping := func(id string) string { return `{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}` }
	for _, id := range []string{
		"0", "-1", "9007199254740991", "-9007199254740991", `"9007199254740993"`, `"-0"`, `""`,
	} {
		a := answerOf(t, mustCode(t, h, request(t.Context(), token, ping(id)), http.StatusOK).Body)
		if string(a.ID) != id || a.Error != nil {
			t.Errorf("id %s: got %s, %v; want it back", id, a.ID, a.Error)
		}
	}
	for _, id := range []string{
		"-0", "9007199254740992", "9007199254740993", "-9007199254740992", "9223372036854775807", "9223372036854775808",
		"-9223372036854775809", "100000000000000000000000000", "1.0", "1e3", "true", "[]",
	} {
		for kind, body := range map[string]string{
			"alone": ping(id), "in a batch": "[" + listTools + "," + ping(id) + "]",
		} {
			a := answerOf(t, mustCode(t, h, request(t.Context(), token, body), http.StatusBadRequest).Body)
			if a.Error == nil || a.Error.Code != jsonrpc.CodeInvalidRequest || string(a.ID) != "null" {
				t.Errorf("id %s %s: got %+v, want %d under null", id, kind, a, jsonrpc.CodeInvalidRequest)
			}
		}
	}
}
