package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
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
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: replace})
	return slog.New(handler{Handler: h, project: project})
}

// NewLoggerOver returns a logger over a handler of another form, for lines that no program
// reads. Those of a request have its id.
func NewLoggerOver(h slog.Handler) *slog.Logger { return slog.New(handler{Handler: h}) }

// handler adds what the request in the context knows.
type handler struct {
	slog.Handler
	project string
}

func (h handler) Handle(ctx context.Context, rec slog.Record) error {
	r := from(ctx)
	if r == nil {
		return h.Handler.Handle(ctx, rec)
	}
	rec = rec.Clone()
	rec.AddAttrs(slog.String("request_id", r.id))
	if h.project != "" && r.shown.ID != "" {
		rec.AddAttrs(
			slog.String(traceKey, "projects/"+h.project+"/traces/"+r.shown.ID),
			slog.Bool(sampledKey, r.shown.Sampled))
		if r.shown.Span != "" {
			rec.AddAttrs(slog.String(spanIDKey, r.shown.Span))
		}
	}
	return h.Handler.Handle(ctx, rec)
}

func (h handler) WithAttrs(a []slog.Attr) slog.Handler {
	return handler{Handler: h.Handler.WithAttrs(a), project: h.project}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{Handler: h.Handler.WithGroup(name), project: h.project}
}

// replace gives the keys of slog Cloud Logging's names and bounds every text.
func replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.LevelKey:
			if l, ok := a.Value.Any().(slog.Level); ok { // not a field of that name
				return slog.String("severity", severity(l))
			}
		case slog.MessageKey:
			a.Key = "message"
		}
	}
	limit := maxText
	if a.Key == StackKey {
		limit = maxStack
	}
	switch a.Value.Kind() {
	case slog.KindString: // without an interface, which would be an allocation for each
		a.Value = slog.StringValue(clip(a.Value.String(), limit))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(clip(err.Error(), maxError))
		}
	}
	return a
}

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
