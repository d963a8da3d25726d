package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// JSON answers with v as JSON. It sets Content-Type and leaves other headers
// alone; [Wrap] has set Cache-Control: no-store. An error means that v cannot be
// encoded and nothing was written.
func JSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller left; nobody is there to tell
	return nil
}

// SeeOther sends a browser to location, which was validated before or is ours.
// The status is 303, so that a POST is never repeated there (RFC 9700 §4.12).
func SeeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}
