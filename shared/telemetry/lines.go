package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"
)

// lines is a handler that writes each record as a line of JSON in Cloud Logging's shape, in
// one call of w. A line is a part of what every request costs, so values of slog's own kinds
// are appended as they are; only what else is logged is encoded by reflection.
type lines struct {
	w       io.Writer
	mu      *sync.Mutex // held while w writes
	level   slog.Leveler
	project string
	before  []byte // what WithAttrs and WithGroup have added, as it is written
	open    int    // groups of before that are not closed
}

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }

// buffers are those of lines that are written.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 1<<10)) }}

func (l *lines) Handle(ctx context.Context, rec slog.Record) error {
	buf, ok := buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	b := (*buf)[:0]
	b = append(b, '{')
	if !rec.Time.IsZero() {
		b = appendTime(append(b, `"time":`...), rec.Time)
		b = append(b, ',')
	}
	b = append(append(append(b, `"severity":"`...), severity(rec.Level)...), `","message":`...)
	b = appendString(b, clip(rec.Message, maxText))
	b = append(b, l.before...)
	rec.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, a)
		return true
	})
	for range l.open {
		b = append(b, '}')
	}
	b = l.appendRequest(b, from(ctx))
	b = append(b, '}', '\n')
	l.mu.Lock()
	_, err := l.w.Write(b)
	l.mu.Unlock()
	if cap(b) <= maxStack { // a pool of large ones would keep them
		*buf = b
		buffers.Put(buf)
	}
	return err
}

// appendRequest appends what the request in the context knows, last, as people's lines have it.
func (l *lines) appendRequest(b []byte, r *request) []byte {
	if r == nil {
		return b
	}
	b = appendAttr(b, slog.String("request_id", r.id))
	if l.project == "" || r.shown.ID == "" {
		return b
	}
	b = appendAttr(b, slog.String(traceKey, "projects/"+l.project+"/traces/"+r.shown.ID))
	b = appendAttr(b, slog.Bool(sampledKey, r.shown.Sampled))
	if r.shown.Span != "" {
		b = appendAttr(b, slog.String(spanIDKey, r.shown.Span))
	}
	return b
}

func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *l
	more.before = append([]byte(nil), l.before...)
	for _, a := range attrs {
		more.before = appendAttr(more.before, a)
	}
	return &more
}

func (l *lines) WithGroup(name string) slog.Handler {
	if name == "" {
		return l
	}
	more := *l
	more.before = append(appendKey(append([]byte(nil), l.before...), name), '{')
	more.open++
	return &more
}

// appendAttr appends a member, with a comma before it unless it is the first of its object.
// Every text is bounded. An empty attribute, or group, is left out, as slog asks.
func appendAttr(b []byte, a slog.Attr) []byte {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return b
	}
	if a.Value.Kind() == slog.KindGroup {
		return appendGroup(b, a)
	}
	b = appendKey(b, a.Key)
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		limit := maxText
		if a.Key == StackKey {
			limit = maxStack
		}
		return appendString(b, clip(v.String(), limit))
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindTime:
		return appendTime(b, v.Time())
	case slog.KindFloat64:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) { // which JSON does not have
			return appendString(b, strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return appendAny(b, a.Value.Any())
}

// appendGroup appends a group as an object, or as members if it has no name.
func appendGroup(b []byte, group slog.Attr) []byte {
	members := group.Value.Group()
	if len(members) == 0 {
		return b
	}
	if group.Key != "" {
		b = append(appendKey(b, group.Key), '{')
	}
	for _, a := range members {
		b = appendAttr(b, a)
	}
	if group.Key != "" {
		b = append(b, '}')
	}
	return b
}

func appendAny(b []byte, v any) []byte {
	if err, ok := v.(error); ok {
		return appendString(b, clip(err.Error(), maxError))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return appendString(b, "!ERROR:"+clip(err.Error(), maxError))
	}
	return append(b, text...)
}

func appendKey(b []byte, key string) []byte {
	if len(b) == 0 || b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendString(b, clip(key, maxText)), ':')
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	return append(t.AppendFormat(b, time.RFC3339Nano), '"')
}

// appendString appends a text of valid UTF-8 as a string of JSON (RFC 8259 §7). The line
// separators of Unicode are escaped too, since some readers of logs end a line there.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		separator := c == 0xe2 && (s[i:i+3] == "\u2028" || s[i:i+3] == "\u2029")
		if c >= ' ' && c != '"' && c != '\\' && !separator {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case 0xe2:
			b = append(b, `\u202`...)
			b = append(b, '8'+s[i+2]-0xa8)
			start = i + 3
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}
