package controlplane

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// TestPathMapsThatGoogleRefuses: parameters of part of a segment, something behind the rest, two operations of
// one name and one without. The open converter says the same of each.
func TestPathMapsThatGoogleRefuses(t *testing.T) {
	t.Parallel()
	var progress bytes.Buffer
	box, err := toolbox.Open(&progress)
	if err != nil {
		t.Fatal(err)
	}
	converter, err := box.Converter(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	placeholder := regexp.MustCompile(`\{([a-z]+)`)
	document := func(paths ...string) string {
		text := "swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths:\n"
		for i, path := range paths {
			id, path, _ := strings.Cut(path, " ")
			text += "  " + path + ":\n    " + []string{"get", "post"}[i%2] + ":\n"
			if id != "" {
				text += "      operationId: " + id + "\n"
			}
			if name := placeholder.FindStringSubmatch(path); name != nil {
				text += "      parameters: [{name: " + name[1] + ", in: path, required: true, type: string}]\n"
			}
			text += "      x-google-backend: {address: 'https://f.run.app'}\n      responses: {default: {description: d}}\n"
		}
		return text
	}
	for _, test := range []struct {
		paths        []string
		want, google string
	}{
		{[]string{"a /mcp", "b /register/{id}", "c /rest/{rest=**}"}, "", ""},
		{[]string{"a /mcp-{name}"}, "parameter of part of a segment", "unrecognized input at '{'"},
		{[]string{"a /rest/{rest=**}/"}, "nothing can follow", "unexpected end of input '/'"},
		{[]string{"a /one", "a /two"}, "operationId a is also that of", "operationId 'a' has duplicate entry"},
		{[]string{" /one"}, "no operationId", "does not have the required 'operationId' field"},
	} {
		got := ""
		if err := checkOpenAPI(base64.StdEncoding.EncodeToString([]byte(document(test.paths...)))); err != nil {
			got = err.Error()
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%v: got %q, want %q", test.paths, got, test.want)
		}
		google, err := converter.Convert(t.Context(), document(test.paths...))
		if err != nil {
			t.Fatal(err)
		}
		if test.google == "" && google != "" || !strings.Contains(google, test.google) {
			t.Errorf("%v: the converter says %q, want %q", test.paths, google, test.google)
		}
	}
}
