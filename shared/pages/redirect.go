package pages

import "net/http"

// SeeOther sends a browser to location, which was validated before or is ours.
// The status is 303, so that a POST is never repeated there (RFC 9700 §4.12).
func SeeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}
