package authorize

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/pages"
)

// The two cookies of a transaction. Each has the transaction's id in its name, so that
// flows side by side do not overwrite one another.
const (
	consentCookie = "postern-consent-" // a random secret, whose hash is in the form
	signInCookie  = "postern-sign-in-" // the sealed transaction, from approval until its code ends
)

// recognised is how long after its end an unfinished sign-in can still be told from one that
// was never here. Nothing can be done with it any more but to start again.
const recognised = time.Hour

// maxTransactions is how many cookies of one kind a browser keeps: the header that
// carries them all must pass every server in between.
const maxTransactions = 10

// maxCookieBytes is how much of the Cookie header one kind may take before a new one is
// set: front ends refuse headers of 16 KiB and more, some of 8 KiB.
const maxCookieBytes = 6 << 10

// maxSealed is the longest sealed transaction. Browsers keep 4096 bytes of a cookie,
// name and attributes included.
const maxSealed = 3900

// forget clears the cookies of a transaction: it is over in this browser.
func forget(w http.ResponseWriter, r *http.Request, t transaction) {
	pages.ClearCookie(w, r, consentCookie+t.id())
	pages.ClearCookie(w, r, signInCookie+t.id())
}

// linger lets the browser be recognised for a little longer, and then forgets the
// transaction: a callback may come again.
func linger(w http.ResponseWriter, r *http.Request, t transaction, d time.Duration) {
	pages.ClearCookie(w, r, consentCookie+t.id())
	if sealed, ok := pages.Cookie(r, signInCookie+t.id()); ok {
		pages.SetCookie(w, r, signInCookie+t.id(), sealed, max(d, time.Second)) // less has no end
	}
}

// makeRoom clears the oldest cookies of a kind until one more has room. Browsers send
// cookies of one path in the order in which they were made (RFC 6265 §5.4).
func makeRoom(w http.ResponseWriter, r *http.Request, kind string) {
	var names []string
	var sizes []int
	size := 0
	for _, c := range r.Cookies() {
		name := strings.TrimPrefix(c.Name, "__Host-")
		if strings.HasPrefix(name, kind) && !slices.Contains(names, name) {
			names, sizes = append(names, name), append(sizes, len(c.Name)+len(c.Value))
			size += len(c.Name) + len(c.Value)
		}
	}
	for i := 0; len(names)-i >= maxTransactions || size > maxCookieBytes; i++ {
		pages.ClearCookie(w, r, names[i])
		size -= sizes[i]
	}
}
