package strict_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
)

type inner struct {
	K string `json:"k"`
}

type metadata struct {
	Name  string         `json:"client_name,omitempty"`
	URIs  []string       `json:"redirect_uris"`
	Count int64          `json:"count"`
	Sub   *inner         `json:"sub"`
	Subs  []inner        `json:"subs"`
	Map   map[string]any `json:"map"`
	Any   any            `json:"any"`
	Plain string
	Not   string `json:"-"`
}

// Names are exact and come once, nothing follows the value, text is UTF-8 (HT-07).
func TestJSONThatTwoParsersCouldReadDifferentlyIsRefused(t *testing.T) {
	t.Parallel()
	for claim, s := range map[string]string{
		"nothing":                            ``,
		"a repeated member":                  `{"client_name":"a","client_name":"b"}`,
		"a repeated member behind an escape": `{"client_name":"a","client_n\u0061me":"b"}`,
		"a repeated unknown member":          `{"x":1,"x":2}`,
		"members that differ in case":        `{"x":1,"X":2}`,
		"a member in another case":           `{"Client_Name":"a"}`,
		"a Kelvin sign in a member":          "{\"sub\":{\"\u212a\":\"a\"}}",
		"a long s in a member":               "{\"\u017fub\":{}}",
		"a repetition inside an array":       `{"subs":[{"k":"a"},{"k":"a","k":"b"}]}`,
		"a case variant inside an array":     `{"subs":[{"K":"a"}]}`,
		"a repetition inside a map":          `{"map":{"a":1,"a":2}}`,
		"a repetition inside an open value":  `{"any":[[{"a":1,"a":2}]]}`,
		"trailing data":                      `{} {}`,
		"trailing junk":                      `{}x`,
		"bytes that are no UTF-8":            "{\"client_name\":\"\xff\"}",
		"a lone high surrogate":              `{"client_name":"\ud800"}`,
		"a lone low surrogate":               `{"client_name":"\udc00"}`,
		"a high surrogate and an escape":     `{"client_name":"\ud800\n"}`,
		"two high surrogates":                `{"client_name":"\ud800\ud800"}`,
		"null at the top":                    " null ",
		"an array at the top":                `[]`,
		"a string at the top":                `"x"`,
		"33 levels":                          `{"any":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		"a million levels":                   strings.Repeat("[", 1_000_000),
		"a fraction for a whole number":      `{"count":1.0}`,
		"a string for a whole number":        `{"count":"1"}`,
		"a number over 63 bits":              `{"count":9223372036854775808}`,
		"a string for a list":                `{"redirect_uris":"https://a"}`,
		"a comment":                          `{/**/}`,
	} {
		var m metadata
		if err := strict.DecodeJSON([]byte(s), &m, strict.IgnoreUnknown); err == nil {
			t.Errorf("%s: %.60s was read as %+v", claim, s, m)
		} else if strings.ContainsAny(err.Error(), "\"\\") {
			t.Errorf("%s: the error repeats what was sent: %v", claim, err)
		}
	}
}

func TestPlainJSONIsRead(t *testing.T) {
	t.Parallel()
	var got metadata
	err := strict.DecodeJSON([]byte(` {"client_name":"\ud83d\ude00 \\ud800","redirect_uris":["a","b"],`+
		`"count":9007199254740993,
		"sub":{"k":"v"},"subs":[{"k":"1"},{"k":"2"}],"map":{"a":1},"any":{"b":[2]},"Plain":"p"}`+"\n"), &got)
	want := metadata{
		Name: "😀 \\ud800", URIs: []string{"a", "b"}, Count: 9007199254740993, Sub: &inner{"v"},
		Subs: []inner{{"1"}, {"2"}},
		Map:  map[string]any{"a": json.Number("1")}, Any: map[string]any{"b": []any{json.Number("2")}}, Plain: "p",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	deep := `{"any":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`
	if err := strict.DecodeJSON([]byte(deep), &got); err != nil {
		t.Errorf("32 levels: %v", err)
	}
}

func TestUnknownMembersAreIgnoredWhenAsked(t *testing.T) {
	t.Parallel()
	var m metadata
	if err := strict.DecodeJSON([]byte(`{"x":{"y":1}}`), &m, strict.IgnoreUnknown); err != nil {
		t.Error(err)
	}
	if err := strict.DecodeJSON([]byte(`{"x":{"y":1}}`), &m); err == nil {
		t.Error("an unknown member was accepted")
	}
}

func TestAJSONBodyHasItsType(t *testing.T) {
	t.Parallel()
	for contentType, ok := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "": false, "text/json": false,
		formType:                           false,
		"application/json; charset=latin1": false, "text/plain; application/json": false,
	} {
		err := strict.ReadJSON(form("/register", contentType, `{"client_name":"x"}`), &metadata{})
		if (err == nil) != ok || !ok && httperr.Of(err).Code != oauth.InvalidRequest {
			t.Errorf("%q: got %v, want ok %t", contentType, err, ok)
		}
	}
	if err := strict.ReadJSON(form("/register?x=y", "application/json", `{}`), &metadata{}); err == nil {
		t.Error("a query string was accepted")
	}
}

// What is accepted means the same to encoding/json, and to a reader that knows
// nothing of case folding.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{
		`{"client_name":"a","redirect_uris":["b"]}`, `{"Client_Name":"a"}`, `{"any":{"a":1,"A":2}}`,
		`{"client_name":"\ud800"}`,
		`{"sub":{"k":"v"},"subs":[{"k":null}]}`, "{\"\u017fub\":{}}", `{} {}`, `[[[[`, `{"a\"":"\\u12"}`,
		`{"count":1e3}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want metadata
		if strict.DecodeJSON(data, &got, strict.IgnoreUnknown) != nil {
			return
		}
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		exact := map[string]json.RawMessage{}
		if err := json.Unmarshal(data, &exact); err != nil {
			t.Fatal(err)
		}
		var name string
		if raw, ok := exact["client_name"]; ok {
			_ = json.Unmarshal(raw, &name)
		}
		if name != got.Name {
			t.Errorf("client_name: got %q, by its exact name %q", got.Name, name)
		}
	})
}
