package mcp

import (
	"bytes"
	"strconv"
)

// A listener reads JSON-RPC responses off the bytes of an answer as they pass, in whatever
// pieces, and tells what each says of its request. It keeps no more than a few short tokens,
// and expects JSON that is valid: of anything else it may tell nothing or nonsense.
type listener struct {
	told   interface{ answered(verdict) }
	events bool // the answer is a stream of events, whose data is JSON

	depth  int  // objects and lists that are open
	base   int  // the depth inside of a response: 1, or 2 in a list
	object bool // what is open one level deeper is an object
	key    bool // the next string is the name of a member
	text   bool // inside of a string,
	escape bool // after a backslash in it

	token    token    // a string or another value, on a level that counts
	member   string   // of the response, if it is one that counts
	inner    string   // of its result or error
	request  bool     // it has a method, so that it is no response
	response verdict  // so far
	line     lineKind // of the stream
	field    token    // the name of its field, so far
}

// A verdict is what a response says of its request.
type verdict struct {
	id        token // as it is written
	failed    bool  // it has an error, with code
	code      int64
	toolError bool // the tool says that it failed
}

// A token is the beginning of a text.
type token struct {
	buf [maxToken]byte
	n   int
}

// maxToken is as long as any name that counts, and any id that is compared.
const maxToken = 64

func (t *token) add(c byte) {
	if t.n < maxToken {
		t.buf[t.n] = c
		t.n++
	}
}

func (t *token) bytes() []byte { return t.buf[:t.n] }

// members of a response, and of its result or error, that count.
var members = []string{"id", "method", "result", "error", "code", "isError"}

func memberOf(name []byte) string {
	for _, m := range members {
		if string(name) == m {
			return m
		}
	}
	return ""
}

type lineKind int

const (
	begun lineKind = iota // the name of the field is not over
	data
	other
)

// hear takes the next piece of the answer.
func (l *listener) hear(b []byte) {
	if !l.events {
		l.json(b)
		return
	}
	for len(b) > 0 {
		piece, rest, ended := bytes.Cut(b, []byte("\n"))
		b = rest
		l.hearLine(piece)
		if !ended {
			return
		}
		if l.line == begun && l.field.n == 0 { // an empty line ends the event
			l.depth, l.text, l.escape = 0, false, false
		}
		l.line, l.field.n = begun, 0
	}
}

// hearLine takes a piece of a line of a stream: "data: " and JSON, or another field.
func (l *listener) hearLine(b []byte) {
	for l.line == begun && len(b) > 0 {
		c := b[0]
		b = b[1:]
		switch {
		case c == '\r':
		case c != ':':
			l.field.add(c)
		case string(l.field.bytes()) == "data":
			l.line = data
		default:
			l.line = other
		}
	}
	if l.line == data {
		l.json(b)
	}
}

// json takes a piece of JSON.
func (l *listener) json(b []byte) {
	for _, c := range b {
		switch {
		case l.escape:
			l.escape = false
			l.keep(c)
		case l.text && c == '"':
			l.text = false
			l.keep(c)
			if l.key {
				l.name()
			}
		case l.text:
			l.escape = c == '\\'
			l.keep(c)
		default:
			l.mark(c)
		}
	}
}

// counts reports whether values here are looked at: those of a response, and those of its
// result or error.
func (l *listener) counts() bool { return l.depth == l.base || l.depth == l.base+1 && l.object }

func (l *listener) keep(c byte) {
	if l.counts() {
		l.token.add(c)
	}
}

// mark takes a byte outside of strings.
func (l *listener) mark(c byte) {
	switch c {
	case '"':
		l.text = true
		l.token.n = 0
		l.keep(c)
	case '{', '[':
		l.open(c)
	case '}', ']':
		l.value()
		l.close()
	case ',':
		l.value()
		l.key = l.counts()
	case ':':
		l.token.n = 0
	case ' ', '\t', '\r', '\n':
	default:
		l.keep(c)
	}
}

func (l *listener) open(c byte) {
	l.depth++
	l.token.n = 0
	switch l.depth {
	case 1:
		l.base = 1
		if c == '[' {
			l.base = 2
		}
	case l.base + 1:
		l.object = c == '{'
		l.inner = ""
		l.response.failed = l.response.failed || l.member == "error"
	}
	if l.depth == l.base {
		l.member, l.request, l.response = "", false, verdict{}
	}
	l.key = l.counts()
}

func (l *listener) close() {
	if l.depth == l.base && !l.request && l.response.id.n > 0 {
		l.told.answered(l.response)
	}
	if l.depth > 0 {
		l.depth--
	}
	l.token.n = 0
	l.key = false
}

// name is the end of the name of a member.
func (l *listener) name() {
	l.key = false
	name := memberOf(bytes.Trim(l.token.bytes(), `"`))
	if l.depth == l.base {
		l.member = name
		l.request = l.request || name == "method"
	} else {
		l.inner = name
	}
	l.token.n = 0
}

// value is the end of a value that is neither an object nor a list.
func (l *listener) value() {
	text := l.token.bytes()
	switch {
	case len(text) == 0:
	case l.depth == l.base && l.member == "id":
		l.response.id = l.token
	case l.depth == l.base+1 && l.member == "error" && l.inner == "code":
		l.response.code, _ = strconv.ParseInt(string(text), 10, 64) // no number is 0
	case l.depth == l.base+1 && l.member == "result" && l.inner == "isError":
		l.response.toolError = string(text) == "true"
	}
	l.token.n = 0
}
