package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	traceKey   = "logging.googleapis.com/trace"
	spanIDKey  = "logging.googleapis.com/spanId"
	sampledKey = "logging.googleapis.com/trace_sampled"

	// StackKey is where Error Reporting looks for a stack.
	StackKey = "stack_trace"

	// Bytes of a text, of an error (a list of settings is long) and of a stack.
	maxText  = 1 << 10
	maxError = 8 << 10
	maxStack = 16 << 10
)

// ParseLevel reads debug, info, warn or error.
func ParseLevel(s string) (slog.Level, error) {
	switch s {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, errors.New("a level is debug, info, warn or error")
}

// NewLogger returns a logger that writes one JSON object per line to w, with
// Cloud Logging's keys: severity, message, time and, for lines logged with the
// context of a request, its id and trace. Project is the Google Cloud project
// of the trace's name; empty leaves the trace out. A nil level means info.
func NewLogger(w io.Writer, level slog.Leveler, project string) *slog.Logger {
	if level == nil {
		level = slog.LevelInfo
	}
	return slog.New(&lines{w: w, mu: &sync.Mutex{}, level: level, project: project})
}

// NewLoggerOver returns a logger over a handler of another form, for lines that no program
// reads. Those of a request have its id.
func NewLoggerOver(h slog.Handler) *slog.Logger { return slog.New(handler{h}) }

// handler adds the id of the request in the context.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, rec slog.Record) error {
	if r := from(ctx); r != nil {
		rec = rec.Clone()
		rec.AddAttrs(slog.String("request_id", r.id))
	}
	return h.Handler.Handle(ctx, rec)
}

func (h handler) WithAttrs(a []slog.Attr) slog.Handler { return handler{h.Handler.WithAttrs(a)} }

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

func severity(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	case l < slog.LevelError+4:
		return "ERROR"
	}
	return "CRITICAL"
}

// Severity reads the name of a level as a line has it. A name that no line has is INFO.
func Severity(name string) slog.Level {
	switch name {
	case "DEBUG":
		return slog.LevelDebug
	case "WARNING":
		return slog.LevelWarn
	case "ERROR":
		return slog.LevelError
	case "CRITICAL":
		return slog.LevelError + 4
	}
	return slog.LevelInfo
}

// clip cuts s to at most limit bytes at the border of a character.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
