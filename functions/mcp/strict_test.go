package mcp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/strict"
)

// reflected is a call as the shared decoder reads it.
type reflected struct {
	Version json.RawMessage `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  json.RawMessage `json:"method"`
	Params  struct {
		Name json.RawMessage `json:"name"`
		URI  json.RawMessage `json:"uri"`
		Meta struct{}        `json:"_meta"`
	} `json:"params"`
}

// The fast reader accepts what the shared one accepts and reads the same (HT-07, MP-03).
func FuzzStrictReaderAgreesWithTheSharedDecoder(f *testing.F) {
	for _, s := range []string{
		initialize, listTools, whoAmI, "[]", "[" + listTools + "]", "{}", "{", `{"id":1,"id":2}`, `{"a":1,"A":2}`,
		`{"METHOD":"x"}`, `{"method":"\ud800"}`,
		`{"method":"\ud83d\ude00"}`, `{"\u006dethod":"x"}`, `{"method":"a","\u006dethod":"x"}`, `{"params":[]}`,
		`{"params":null}`, `{"params":{"_meta":3}}`,
		`{"params":{"name":"x","_meta":{"progressToken":7,"progresstoken":8}}}`, "{\"\u017fid\":1}",
		"{\"\u212a\":1,\"k\":2}", "null", `"x"`, "1", "\xff", " \n[ {} , {} ] ",
		`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", many(40, ""), many(40, `,"m7":1`),
		many(40, `,"M7":1`),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []call
		err := readStrict(data, callFields, func(_ []byte, found *places) { got = append(got, found.call(nil)) })
		want, wantErr := shared(data)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: got %v, want %v", data, err, wantErr)
		}
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %d messages, want %d", data, len(got), len(want))
		}
		for i, g := range got {
			w := want[i]
			for name, pair := range map[string][2][]byte{
				"jsonrpc": {g.version, w.Version}, "id": {g.id, w.ID},
				"method": {g.method, w.Method}, "name": {g.name, w.Params.Name},
				"uri": {g.uri, w.Params.URI},
			} {
				if string(pair[0]) != string(pair[1]) {
					t.Errorf("%q: %s: got %q, want %q", data, name, pair[0], pair[1])
				}
			}
		}
	})
}

func shared(data []byte) ([]reflected, error) {
	if strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "[") {
		var list []*reflected
		if err := strict.DecodeJSON(data, &list, strict.IgnoreUnknown); err != nil {
			return nil, err
		}
		var want []reflected
		for _, r := range list {
			if r == nil {
				return nil, errors.New("null in the array")
			}
			want = append(want, *r)
		}
		return want, nil
	}
	var one reflected
	err := strict.DecodeJSON(data, &one, strict.IgnoreUnknown)
	return []reflected{one}, err
}

func many(n int, more string) string {
	var b strings.Builder
	b.WriteString(`{"first":0`)
	for i := range n {
		b.WriteString(`,"m` + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `":1`)
	}
	return strings.ReplaceAll(b.String(), `"m0`, `"m`) + more + "}"
}
