package rig

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

// window is how many characters in a row give a secret away.
const window = 16

// Leaks returns the names of the encodings under which some secret stands in the log:
// plain, URL-encoded, hexadecimal, or inside a base64 text of either alphabet.
func (w *Witness) Leaks(log string) []string {
	index := w.index()
	var found []string
	for i := 0; i+window <= len(log); i++ {
		if how, ok := index[log[i:i+window]]; ok {
			found = append(found, how+" near: "+around(log, i))
			i += window
		}
	}
	return found
}

// around shows the place without the secret itself.
func around(log string, i int) string {
	before := log[max(0, i-60):i]
	return before + "[the secret]"
}

// index maps the tell-tale pieces of all encodings to the name of the encoding.
func (w *Witness) index() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	index := map[string]string{}
	add := func(how, text string) {
		if len(text) >= window {
			index[text[len(text)-window:]] = how
			if !strings.HasPrefix(text, "eyJ") { // the header of a JWT says nothing
				index[text[:window]] = how
			}
		}
	}
	for secret := range w.secrets {
		add("plain", secret)
		if escaped := url.QueryEscape(secret); escaped != secret {
			add("URL-encoded", escaped)
		}
		tail := secret[max(0, len(secret)-2*window):] // its end, or a JWT's signature, is enough
		add("hexadecimal", hex.EncodeToString([]byte(tail)))
		add("HEXADECIMAL", strings.ToUpper(hex.EncodeToString([]byte(tail))))
		for shift := range 3 {
			add("base64", inBase64(base64.RawStdEncoding, tail, shift))
			add("base64url", inBase64(base64.RawURLEncoding, tail, shift))
		}
	}
	return index
}

// inBase64 is how text looks inside a longer base64 text, shift bytes into a group of
// three, without the characters that its neighbours have a part in.
func inBase64(e *base64.Encoding, text string, shift int) string {
	encoded := e.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
	first := (shift*8 + 5) / 6
	last := (shift + len(text)) * 8 / 6
	return encoded[first:last]
}

// CheckLogs fails the test if a secret that w saw stands in one of the logs.
func (w *Witness) CheckLogs(t testing.TB, logs ...*Log) {
	t.Helper()
	for _, log := range logs {
		for i, leak := range w.Leaks(log.String()) {
			if i == 5 {
				break
			}
			t.Errorf("got a secret in the log, %s; want none (LG-01)", leak)
		}
	}
}
