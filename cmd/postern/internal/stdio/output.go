package stdio

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

const (
	maxLine  = 4 << 10 // what is kept of a line for the log, in bytes
	keptLast = 10      // lines that are kept to say why the command ended
)

// lines hands on each line that is written to it, and keeps the last ones.
type lines struct {
	each func(line string)

	mu   sync.Mutex
	rest []byte
	last []string
}

// Write implements io.Writer. It never fails, so that the command is never held up.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		line, rest, found := bytes.Cut(b, []byte("\n"))
		l.rest = append(l.rest, line[:min(len(line), maxLine-len(l.rest))]...)
		if !found {
			return n, nil
		}
		l.end()
		b = rest
	}
}

// end takes what was written so far for a line.
func (l *lines) end() {
	line := strings.TrimRight(string(l.rest), " \t\r")
	l.rest = l.rest[:0]
	if line == "" {
		return
	}
	l.last = append(l.last, line)
	l.last = l.last[max(0, len(l.last)-keptLast):]
	l.each(line)
}

// flush ends the last line, whose end never came.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// tail returns the last lines.
func (l *lines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}

// An output is where the command's standard output goes: lines that begin an object are
// messages, any other, such as a banner, is one for the log. Messages that nobody reads
// any more are dropped.
type output struct {
	messages io.Writer
	others   *lines

	to io.Writer // of the line that is being written; nil between lines
}

// Write implements io.Writer. It never fails.
func (o *output) Write(b []byte) (int, error) {
	n := len(b)
	for {
		if o.to == nil {
			b = bytes.TrimLeft(b, " \t\r\n")
		}
		if len(b) == 0 {
			return n, nil
		}
		if o.to == nil {
			o.to = o.others
			if b[0] == '{' {
				o.to = o.messages
			}
		}
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 {
			_, _ = o.to.Write(b)
			return n, nil
		}
		_, _ = o.to.Write(b[:end])
		o.to, b = nil, b[end:]
	}
}
