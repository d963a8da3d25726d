package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/telemetry"
)

// Lines returns where the lines of other processes go, each a Write of its own: to Err as they
// are, or, in the form for people, those that are JSON by log, a [Output.Logger] of the same form.
func (o *Output) Lines(form string, log *slog.Logger) io.Writer {
	if o.logJSON(form) {
		return o.Err
	}
	return lines{o.Err, log.Handler()}
}

type lines struct {
	w io.Writer
	h slog.Handler
}

// Write implements io.Writer. What is no line of a log, such as the end of a program that
// panicked, is shown as it is.
func (l lines) Write(line []byte) (int, error) {
	rec, ok := readLine(line)
	if ok {
		return len(line), l.h.Handle(context.Background(), rec)
	}
	plain := strings.ReplaceAll(string(bytes.TrimRight(line, "\r\n")), "\t", "    ")
	_, err := io.WriteString(l.w, Plain(plain)+"\n")
	return len(line), err
}

// readLine reads a line that [telemetry.NewLogger] wrote, its fields in their order.
func readLine(line []byte) (slog.Record, bool) {
	var rec slog.Record
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return rec, false
	}
	for d.More() {
		key, err := d.Token()
		var value any
		if err != nil || d.Decode(&value) != nil {
			return rec, false
		}
		text, _ := value.(string)
		switch key {
		case slog.TimeKey:
			rec.Time, _ = time.Parse(time.RFC3339Nano, text)
			rec.Time = rec.Time.Local()
		case "severity":
			rec.Level = telemetry.Severity(text)
		case "message":
			rec.Message = text
		default:
			if name := key.(string); !strings.HasPrefix(name, "logging.googleapis.com/") { // a trace is for programs
				rec.AddAttrs(slog.Any(name, value))
			}
		}
	}
	_, err := d.Token()
	return rec, err == nil && rec.Message != ""
}
