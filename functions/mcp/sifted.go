package mcp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A sifted is a stream of events (HTML, Server-sent events) whose messages go through sift.
// An event leaves when it is whole; one whose message is as it was leaves as it was.
type sifted struct {
	source io.Closer
	in     *bufio.Reader
	sift   func(message []byte) (out []byte, kept bool)
	out    []byte // what is left of the last event
	err    error  // after that
	cr     bool   // the last line ended in \r, which a \n may follow
	begun  bool   // the first line was read
}

func newSifted(stream io.ReadCloser, sift func([]byte) ([]byte, bool)) *sifted {
	return &sifted{source: stream, in: bufio.NewReader(stream), sift: sift}
}

// Close ends the stream.
func (s *sifted) Close() error { return s.source.Close() }

// Read returns what is there of the next event.
func (s *sifted) Read(b []byte) (int, error) {
	for len(s.out) == 0 && s.err == nil {
		s.out, s.err = s.event()
	}
	if len(s.out) == 0 {
		return 0, s.err
	}
	n := copy(b, s.out)
	s.out = s.out[n:]
	return n, nil
}

var errLargeEvent = errors.New("an event of the server behind this one is too large")

// event reads one event, up to the empty line that ends it. What is cut off was no event.
func (s *sifted) event() ([]byte, error) {
	var lines [][]byte
	size := 0
	for {
		line, err := s.line(maxEvent - size)
		if err != nil {
			return nil, err
		}
		if !s.begun { // a byte order mark there is none of the first name
			s.begun, line = true, bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if len(line) == 0 {
			return s.changed(lines), nil
		}
		size += len(line)
		lines = append(lines, line)
	}
}

// line returns the next line without its end: \n, \r\n or \r.
func (s *sifted) line(room int) ([]byte, error) {
	var line []byte
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return nil, err
		}
		after := s.cr
		s.cr = c == '\r'
		switch {
		case c == '\n' && after:
			continue
		case c == '\n' || c == '\r':
			return line, nil
		case len(line) >= room:
			return nil, errLargeEvent
		}
		line = append(line, c)
	}
}

// changed returns an event with its message sifted; nothing if none is left of it.
func (s *sifted) changed(lines [][]byte) []byte {
	var data, others [][]byte
	for _, line := range lines {
		if name, value, _ := bytes.Cut(line, []byte(":")); string(name) == "data" {
			data = append(data, bytes.TrimPrefix(value, []byte(" ")))
			continue
		}
		others = append(others, line)
	}
	if len(data) > 0 {
		message, kept := s.sift(bytes.Join(data, []byte("\n")))
		if !kept {
			return nil
		}
		for line := range bytes.SplitSeq(message, []byte("\n")) {
			others = append(others, append([]byte("data: "), line...))
		}
	}
	return append(bytes.Join(append(others, nil), []byte("\n")), '\n')
}
