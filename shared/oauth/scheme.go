package oauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Schemes that no app may call its own, by what happens to an address with them. Every other
// scheme may be one that an app on the person's machine has claimed (RFC 8252 §7.1).
var foreignSchemes = slices.Concat(
	// The web and other protocols: the code would leave for a server.
	[]string{
		"http", "https", "shttp", "ws", "wss", "web", "ftp", "ftps", "sftp", "tftp", "scp", "ssh", "telnet",
		"rlogin", "tn3270", "gopher", "nntp", "news", "snews", "irc", "ircs", "ldap", "ldaps", "imap", "pop",
		"smtp", "smb", "cifs", "afp", "nfs", "dav", "davs", "webdav", "rsync", "git", "svn", "dict", "wais", "rtsp",
		"rtsps", "rtmp", "mms", "mmsh", "vnc", "rdp", "magnet", "ipfs", "ipns", "dweb", "dns", "urn", "tag", "cid",
		"mid", "nntps", "imaps", "pops", "ldapi", "ipp", "ipps", "fish", "finger", "whois", "jnlp", "jnlps", "ext",
	},
	// Text that runs.
	[]string{"javascript", "jscript", "livescript", "mocha", "ecmascript", "vbscript", "vbs", "applescript", "wasm"},
	// Data that is shown as a page.
	[]string{"data", "blob", "mhtml"},
	// Files of the machine, or inside an archive.
	[]string{
		"file", "filesystem", "localfile", "content", "jar", "zip", "mk", "its", "res", "admin", "trash", "recent",
		"mtp", "gphoto2", "afc", "externalfile", "knownfolder",
	},
	// The browser's own pages, and views of others.
	[]string{
		"about", "view", "view-source", "resource", "wyciwyg", "wysiwyg", "edge", "microsoft-edge", "brave",
		"opera", "vivaldi", "firefox", "firefox-focus", "safari", "devtools", "feed", "pcast", "itpc", "read",
		"isolated-app", "uuid-in-package", "ddgquicklink", "yandexbrowser-open-url", "mttbrowser", "ucbrowser",
		"puffin", "puffins",
	},
	// What an operating system, or a program that takes orders, does with them.
	[]string{
		"intent", "intents", "android-app", "android", "market", "shell", "search", "search-ms", "hcp", "help",
		"windowsdefender", "steam", "shortcuts", "workflow", "prefs", "app-prefs", "app-settings", "macappstore",
		"macappstores", "x-help-action", "x-help-script", "x-help-topic", "x-man-page", "x-web-search", "mailto",
		"message", "tel", "telprompt", "callto", "sip", "sips", "sms", "smsto", "mmsto", "rcs", "imessage", "im",
		"xmpp", "webcal", "webcals", "calshow", "addressbook", "geo", "maps", "otpauth",
		"package", "wtai", "apt", "appstream", "snap", "man", "info", "ghelp", "onenote",
	},
)

// foreignFamilies are beginnings of such schemes: the handlers of Windows and of Apple, and
// the pages and extensions of browsers.
var foreignFamilies = []string{
	"ms-", "microsoft-edge-", "x-apple", "itms", "itunes", "facetime", "chrome", "googlechrome", "moz-", "safari-",
	"microsoft.windows.", "windows.",
}

// foreignWords make a scheme foreign wherever they stand in it: x-safari-https opens a web
// page, as touch-https and others do for browsers of their own.
var foreignWords = []string{"http", "https", "javascript", "vbscript"}

// foreignScheme reports whether a scheme in lower case cannot be an app's own. One letter is
// a drive of Windows. A compound such as git+ssh or web+app is foreign if a part of it is.
func foreignScheme(scheme string) bool {
	if len(scheme) == 1 {
		return true
	}
	separator := func(r rune) bool { return strings.ContainsRune("+-.", r) }
	for word := range strings.FieldsFuncSeq(scheme, separator) {
		if slices.Contains(foreignWords, word) {
			return true
		}
	}
	for part := range strings.SplitSeq(scheme, "+") {
		begins := func(family string) bool { return strings.HasPrefix(part, family) }
		if slices.Contains(foreignSchemes, part) || slices.ContainsFunc(foreignFamilies, begins) {
			return true
		}
	}
	return false
}

// Schemes are the private-use schemes that redirect URIs may have. The zero Schemes are
// open: every scheme that is an app's own.
type Schemes struct {
	list   []string
	closed bool
}

// ParseSchemes reads a list of private-use schemes, separated by commas, or the word
// none, which leaves https and loopback.
func ParseSchemes(s string) (Schemes, error) {
	if s == "none" {
		return Schemes{closed: true}, nil
	}
	out := Schemes{closed: true}
	for scheme := range strings.SplitSeq(s, ",") {
		scheme = strings.TrimSuffix(strings.TrimSpace(scheme), ":")
		switch {
		case scheme == "none":
			return Schemes{}, errors.New("none stands alone")
		case !validScheme(scheme) || strings.ToLower(scheme) != scheme:
			return Schemes{}, fmt.Errorf("%q is not a scheme in lower case", scheme)
		case foreignScheme(scheme):
			return Schemes{}, fmt.Errorf("%q is not an app's own scheme", scheme)
		}
		out.list = append(out.list, scheme)
	}
	return out, nil
}

// check refuses a scheme, in lower case, that redirect URIs may not have.
func (s Schemes) check(scheme string) error {
	switch {
	case foreignScheme(scheme):
		return refuseRedirect("has a scheme that is not an app's own: " +
			"use https, http on 127.0.0.1, or a scheme such as com.example.app")
	case s.closed && len(s.list) == 0:
		return refuseRedirect("must use https, or http on 127.0.0.1: this server takes no app schemes")
	case s.closed && !slices.Contains(s.list, scheme):
		return refuseRedirect("has a scheme that this server does not take: it takes " + strings.Join(s.list, ", "))
	}
	return nil
}

// validScheme holds a scheme to its grammar (RFC 3986 §3.1). Labels between dots are not
// empty.
func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != "" && !strings.HasSuffix(s, ".") && !strings.Contains(s, "..")
}
