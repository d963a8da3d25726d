package oauth

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// Whatever goes into a description, only %x20-21 / %x23-5B / %x5D-7E comes out (GEN-15, TE-13).
func TestDescriptionsKeepToTheGrammar(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c))
	}
	for _, err := range []error{
		Refuse(InvalidRequest, "quoted %q and %s", "a\"b", all.String()),
		Refuse(InvalidRequest, all.String()),
		RefuseBecause(io.EOF, InvalidRequest, all.String()),
		Refuse(InvalidRequest, "%s", strings.Repeat("é", 1000)),
		RedirectPolicy{}.Check("https://example.net/\"\\\r\n"),
		errorOf(RedirectPolicy{}.Match([]string{"https://a.test/\"é\\"}, "https://b.test/")),
		errorOf(several().Parse([]string{"\"\\é\n"}, testIssuer)),
		errorOf(ParseScopes("\"")),
		errorOf(ParseChallenge("é", "S256")),
		errorOf(ClientMetadata{}.Accepted(testPolicy)),
		errorOf(ClientMetadata{
			RedirectURIs: []string{"https://a.test/"}, TokenEndpointAuthMethod: "x",
		}.Accepted(testPolicy)),
	} {
		refusal, ok := errors.AsType[*Error](err)
		if !ok {
			t.Fatalf("got %v, want an *Error", err)
		}
		if refusal.Description == "" || len(refusal.Description) > 500 {
			t.Errorf("got a description of %d bytes, want 1 to 500", len(refusal.Description))
		}
		for i := range len(refusal.Description) {
			if c := refusal.Description[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Errorf("description %q has byte %#x", refusal.Description, c)
				break
			}
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

// A cause is for the log: it is found by errors.Is and is no part of the description.
func TestCauseStaysOutOfTheDescription(t *testing.T) {
	t.Parallel()
	err := RefuseBecause(io.ErrUnexpectedEOF, InvalidToken, "no")
	refusal, _ := errors.AsType[*Error](err)
	if refusal.Description != "no" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v", refusal.Description, err)
	}
	if got, want := err.Error(), "invalid_token: no: unexpected EOF"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}
