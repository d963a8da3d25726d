package cimd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/origin"
)

// internalHosts are names, each with all below it, that mean something else inside a
// network than outside: special-use names, and the metadata servers of clouds.
var internalHosts = []string{
	"arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "onion",
	"private", "metadata.goog",
}

// platformHosts are names under which this deployment's own functions can be reached
// behind the gateway. Others have theirs there too, so naming one in the list lets it in.
var platformHosts = []string{"run.app", "cloudfunctions.net", "gateway.dev"}

// sharedHosts publish files for anybody. A host of these is let in, and the page says
// that it proves nothing.
var sharedHosts = []string{
	"amazonaws.com", "appspot.com", "azurestaticapps.net", "azurewebsites.net", "blob.core.windows.net",
	"cloudfront.net", "codeberg.page", "deno.dev", "firebaseapp.com", "fly.dev", "githubusercontent.com",
	"github.io", "gitlab.io", "glitch.me", "herokuapp.com", "jsdelivr.net", "netlify.app", "ngrok.app",
	"ngrok-free.app", "ngrok.io", "onrender.com", "pages.dev", "r2.dev", "railway.app", "replit.app", "replit.dev",
	"storage.googleapis.com", "surge.sh", "trycloudflare.com", "unpkg.com", "vercel.app", "web.app", "workers.dev",
	"gateway.dev", "run.app", "cloudfunctions.net",
}

// inside reports whether host is one of names or below one.
func inside(host string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return host == name || strings.HasSuffix(host, "."+name)
	})
}

// An Allow says whose documents are read. The zero Allow is open: everybody's.
type Allow struct {
	hosts []string
	off   bool
}

// ParseAllow reads a list of hosts, separated by commas, or the word none, which turns
// metadata documents off. A host stands for itself alone, not for those below it.
func ParseAllow(s string) (Allow, error) {
	if s == "none" {
		return Allow{off: true}, nil
	}
	var a Allow
	for host := range strings.SplitSeq(s, ",") {
		host = strings.TrimSpace(host)
		switch {
		case host == "none":
			return Allow{}, errors.New("none stands alone")
		case host != "localhost" && host != "127.0.0.1" && !origin.DomainName(host):
			return Allow{}, fmt.Errorf("%q is not a host in lower case", host)
		}
		a.hosts = append(a.hosts, host)
	}
	return a, nil
}

// Off reports whether no document is read at all.
func (a Allow) Off() bool { return a.off }

// has reports whether documents of this host are read.
func (a Allow) has(host string) bool {
	if a.off {
		return false
	}
	if len(a.hosts) == 0 {
		return !inside(host, platformHosts)
	}
	return slices.Contains(a.hosts, host)
}
