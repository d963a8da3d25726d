package mcp

import (
	"bytes"
	"io"
	"net/http"
)

// eventHeader has the id of the last event that a client saw of a stream that broke off. A
// server may find the stream by nothing else, whosever it was, so clients hold event ids
// sealed, as they do those of sessions.
const eventHeader = "Last-Event-Id"

// eventIDs are those of the streams of the server behind, as one person's.
type eventIDs struct {
	hold
	last string // what the client saw last, as the server calls it; empty if it did not say
}

// openEvents reads which event a client saw last.
func (h *handler) openEvents(r *http.Request, c *Caller) (e eventIDs, err error) {
	e.hold = h.hold(r, c, "event behind", "the stream is not known here: begin another")
	if sent := r.Header.Get(eventHeader); sent != "" {
		e.last, err = e.open(sent)
	}
	return e, err
}

// tell names the event to the server.
func (e eventIDs) tell(h http.Header) {
	if e.last != "" {
		h.Set(eventHeader, e.last)
	}
}

// handOut seals the ids of a stream as it passes.
func (e eventIDs) handOut(res *http.Response) { res.Body = &sealedIDs{stream: res.Body, seal: e.seal} }

// sealedIDs is a stream of events (HTML, Server-sent events) whose ids are sealed. Of a line
// that may have an id the beginning waits for its end; everything else passes as it comes.
type sealedIDs struct {
	stream io.ReadCloser
	seal   func(id string) (string, error)

	within bool   // of a line that has no id
	drop   bool   // of one whose id no client could send back
	line   []byte // the beginning of one that may have an id
	buf    []byte // what was made of the last piece,
	left   []byte // and what of it was not read yet
	err    error  // after that
}

// Close ends the stream.
func (s *sealedIDs) Close() error { return s.stream.Close() }

// Read returns what is there of the stream.
func (s *sealedIDs) Read(b []byte) (int, error) {
	for len(s.left) == 0 && s.err == nil {
		n, err := s.stream.Read(b)
		s.err = err
		if n > 0 && s.plain(b[:n]) {
			return n, nil
		}
		s.buf = s.buf[:0]
		s.pass(b[:n])
		s.left = s.buf
	}
	if len(s.left) == 0 {
		return 0, s.err
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

// plain reports whether no line of a piece may have an id, as in nearly all.
func (s *sealedIDs) plain(b []byte) bool {
	starts := !s.within && !s.drop
	if s.drop || len(s.line) > 0 || starts && b[0] == 'i' ||
		bytes.Contains(b, []byte("\ni")) || bytes.Contains(b, []byte("\ri")) {
		return false
	}
	last := b[len(b)-1]
	s.within = last != '\n' && last != '\r'
	return true
}

// pass takes a piece apart into lines, which end in \n, \r\n or \r.
func (s *sealedIDs) pass(b []byte) {
	for len(b) > 0 {
		end := bytes.IndexAny(b, "\r\n")
		text, rest := b, b[len(b):]
		if end >= 0 {
			text, rest = b[:end], b[end+1:]
		}
		s.part(text)
		if end >= 0 {
			s.end(b[end])
		}
		b = rest
	}
}

var idField = []byte("id:")

// part takes what is there of a line.
func (s *sealedIDs) part(text []byte) {
	switch {
	case s.drop:
	case s.within:
		s.buf = append(s.buf, text...)
	default:
		s.line = append(s.line, text...)
		if n := min(len(s.line), len(idField)); !bytes.Equal(s.line[:n], idField[:n]) {
			s.buf, s.line, s.within = append(s.buf, s.line...), s.line[:0], true
		} else if len(s.line) > maxHeld+len(idField)+1 {
			s.drop = true
		}
	}
}

// end ends a line. One whose id is dropped is a comment then: an empty one would end the event.
func (s *sealedIDs) end(c byte) {
	if value, ok := bytes.CutPrefix(s.line, idField); ok {
		value = bytes.TrimPrefix(value, []byte(" "))
		s.drop = s.drop || bytes.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
		if len(value) > 0 && !s.drop {
			sealed, err := s.seal(string(value))
			if err != nil {
				s.drop, s.err = true, err
			}
			s.line = append(append(s.line[:0], "id: "...), sealed...)
		}
	}
	if s.drop {
		s.line = append(s.line[:0], ':')
	}
	s.buf = append(append(s.buf, s.line...), c)
	s.line, s.within, s.drop = s.line[:0], false, false
}
