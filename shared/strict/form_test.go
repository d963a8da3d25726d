package strict_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
)

const formType = "application/x-www-form-urlencoded"

func form(target, contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// Parameters come once, in a form of that very type, and not too many (TE-01, TE-02, GEN-14, I4,
// HT-06).
func TestAFormHasOneMeaningOrIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ claim, target, contentType, body string }{
		{"a query string besides the body", "/token?a=b", formType, "c=d"},
		{"an empty query string", "/token?", formType, "c=d"},
		{"no content type", "/token", "", "a=b"},
		{"JSON", "/token", "application/json", `{"a":"b"}`},
		{"multipart", "/token", "multipart/form-data; boundary=x", "--x--"},
		{"another charset", "/token", formType + "; charset=utf-16", "a=b"},
		{"a type that contains the form type", "/token", "text/plain; x=" + formType, "a=b"},
		{"a malformed type", "/token", formType + "; charset", "a=b"},
		{"a repeated parameter", "/token", formType, "a=b&a=b"},
		{"a repeated parameter of which one is empty", "/token", formType, "a=b&a="},
		{"a repetition behind an escape", "/token", formType, "a=b&%61=c"},
		{"a bad escape", "/token", formType, "a=%zz"},
		{"half an escape", "/token", formType, "a=%2"},
		{"a semicolon", "/token", formType, "a=b;c=d"},
		{"bytes that are no UTF-8", "/token", formType, "a=%ff"},
		{"no name", "/token", formType, "=b"},
		{"65 parameters", "/token", formType, strings.Repeat("a&", 64) + "b"},
		{"too much", "/token", formType, "a=" + strings.Repeat("x", 16<<10)},
	} {
		f, err := strict.ReadForm(form(c.target, c.contentType, c.body))
		if err == nil || httperr.Of(err).Code != oauth.InvalidRequest {
			t.Errorf("%s: got %v, %v; want invalid_request", c.claim, f, err)
		}
	}
}

func TestAFormGivesItsParameters(t *testing.T) {
	t.Parallel()
	body := "a=1+2%2B3&resource=x&resource=y&empty=&b=%C3%BC&c"
	f, err := strict.ReadForm(form("/token", "application/x-www-form-urlencoded; charset=UTF-8", body), "resource")
	if err != nil {
		t.Fatal(err)
	}
	if f.Get("a") != "1 2+3" || f.Get("b") != "ü" || f.Get("missing") != "" {
		t.Errorf("got %v", f)
	}
	if f.Has("empty") || f.Has("c") || !f.Has("a") {
		t.Error("an empty parameter counts as absent")
	}
	if got := f.All("resource"); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("resource: got %v", got)
	}
	if got := f.Names(); !slices.Equal(got, []string{"a", "b", "resource"}) {
		t.Errorf("names: got %v", got)
	}
	if f.Only("a", "b", "resource") != nil || f.Only("a", "b") == nil {
		t.Error("Only let a field through or refused a known one")
	}
}

func TestARepeatedContentTypeIsRefused(t *testing.T) {
	t.Parallel()
	r := form("/token", formType, "a=b")
	r.Header.Add("Content-Type", formType)
	if _, err := strict.ReadForm(r); err == nil {
		t.Error("two content types were accepted")
	}
}

func TestAQueryHasTheRulesOfAForm(t *testing.T) {
	t.Parallel()
	for q, ok := range map[string]bool{
		"": true, "a=b&state=%20x": true, "resource=a&resource=b": true, "a=b&a=c": false, "a=%": false, "a;b": false,
		"a=" + strings.Repeat("x", 16<<10): false,
	} {
		f, err := strict.Query(&http.Request{URL: &url.URL{RawQuery: q}}, "resource")
		if (err == nil) != ok {
			t.Errorf("%.20q: got %v, %v; want ok %t", q, f, err, ok)
		}
	}
}

// An error may stand on a page of ours, so it has no words of a stranger (UP-14).
func TestOnlyAKnownParameterIsNamed(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"state=a&state=b":               "the parameter state is repeated",
		"client_id=a&client_id=b":       "the parameter client_id is repeated",
		"call+0800-scam&call+0800-scam": "a parameter is repeated",
		"State=a&State=b":               "a parameter is repeated",
	} {
		_, err := strict.Query(&http.Request{URL: &url.URL{RawQuery: query}})
		if got := httperr.Of(err).Description; got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

// What is accepted means the same to net/url, which many clients' authors have
// in mind, and encodes back to the same parameters.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=b&c=d", "a=%C3%BC&b=+", "a=b&a=c", "a=;", "%61=b", "a=%zz", "=", "a&&b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := strict.ReadForm(form("/token", formType, body), "resource")
		if err != nil {
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("accepted what net/url refuses: %v", err)
		}
		for name, values := range want {
			values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
			if !slices.Equal(got.All(name), values) && len(values) > 0 {
				t.Errorf("%q: got %q, want %q", name, got.All(name), values)
			}
			if len(values) > 1 && name != "resource" {
				t.Errorf("%q was repeated and accepted", name)
			}
		}
		for _, name := range got.Names() {
			if _, ok := want[name]; !ok {
				t.Errorf("%q was made up", name)
			}
		}
	})
}
