package mcp

import (
	"fmt"
	"strings"
	"testing"
)

// A telling tells what a listener heard to a function.
type telling func(verdict)

func (t telling) answered(v verdict) { t(v) }

// heard returns what a listener tells of an answer that comes in pieces of size bytes.
func heard(answer string, events bool, size int) string {
	var all []string
	l := listener{events: events, told: telling(func(v verdict) {
		all = append(all, fmt.Sprintf("%s %t %d %t", v.id.bytes(), v.failed, v.code, v.toolError))
	})}
	for answer != "" {
		n := min(size, len(answer))
		l.hear([]byte(answer[:n]))
		answer = answer[n:]
	}
	return strings.Join(all, "; ")
}

// What an answer says of its requests is heard in whatever pieces it comes, and from
// nowhere but the response's own members.
func TestResponsesAreHeardInAnyPieces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer string
		events bool
		want   string
	}{
		{`{"jsonrpc":"2.0","id":1,"result":{"content":[]}}`, false, "1 false 0 false"},
		{`{"result":{"content":[{"isError":true}],"isError": true },"id":"a"}`, false, `"a" false 0 true`},
		{`{"id":7,"result":{"isError":false,"structuredContent":{"isError":true}}}`, false, "7 false 0 false"},
		{`{"id":7,"result":{"code":-1,"error":{"code":2},"text":"\"isError\":true"}}`, false, "7 false 0 false"},
		{`{"id":"\"}","error":{"data":{"code":5},"code":-32602,"message":"m"}}`, false, `"\"}" true -32602 false`},
		{` [ {"id":1,"result":{}} , {"id":2,"error":{"code":3}} ] `, false, "1 false 0 false; 2 true 3 false"},
		{`{"id":3,"method":"sampling/createMessage","params":{}}`, false, ""},
		{`{"error":{"code":1},"id":null}`, false, "null true 1 false"},
		{
			"event: message\r\ndata: {\"method\":\"x\"}\r\n\r\n" +
				"id: 4\ndata: {\"id\":1,\ndata: \"result\":{\"isError\":true}}\n\n", true, "1 false 0 true",
		},
		{": {\"id\":1}\n\ndata:{\"id\":1,\"resu\n\ndata:{\"id\":2,\"error\":{\"code\":9}}\n\n", true, "2 true 9 false"},
		{`not JSON "{`, false, ""},
		{`]]}}{"id":1}`, false, "1 false 0 false"},
	}
	for _, tt := range tests {
		for size := 1; size <= len(tt.answer); size++ {
			if got := heard(tt.answer, tt.events, size); got != tt.want {
				t.Errorf("%s in pieces of %d: got %s, want %s", tt.answer, size, got, tt.want)
				break
			}
		}
	}
}

// Nothing that a server sends stops the listener, or makes it keep more than its tokens.
func FuzzListener(f *testing.F) {
	f.Add([]byte(`{"id":1,"result":{"isError":true}}`), true)
	f.Add([]byte("data: {\"id\":1,\"error\":{\"code\":1}}\n\n"), true)
	f.Fuzz(func(t *testing.T, answer []byte, events bool) {
		whole, single := heard(string(answer), events, max(len(answer), 1)), heard(string(answer), events, 1)
		if whole != single {
			t.Errorf("whole %q, in single bytes %q", whole, single)
		}
	})
}
