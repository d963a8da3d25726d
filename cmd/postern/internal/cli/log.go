package cli

import (
	"log/slog"
	"slices"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/pflag"

	"github.com/postern-dev/postern/shared/telemetry"
)

// The forms of a log.
const (
	LogAuto = "auto" // text on a terminal, else JSON
	LogText = "text" // for people
	LogJSON = "json" // as Cloud Logging takes it
)

// Logger returns the log of a server that runs in this process, on Err, in one of the
// forms. A terminal gets colours.
func (o *Output) Logger(form string, level slog.Leveler) (*slog.Logger, error) {
	terminal := o.progress.terminal
	switch {
	case o.logJSON(form):
		return telemetry.NewLogger(o.Err, level, ""), nil
	case form == LogText, form == LogAuto:
		return telemetry.NewLoggerOver(tint.NewTextHandler(o.Err, &tint.Options{
			Level: level, TimeFormat: time.TimeOnly, NoColor: !terminal, ReplaceAttr: plainAttr,
		})), nil
	}
	return nil, Usage("--log %s: want %s, %s or %s", form, LogAuto, LogText, LogJSON)
}

// logJSON reports whether a form of a log is JSON here.
func (o *Output) logJSON(form string) bool {
	return form == LogJSON || form == LogAuto && !o.progress.terminal
}

// BindLog makes the flag that chooses the form of a server's log.
func BindLog(flags *pflag.FlagSet, form *string) {
	flags.StringVar(form, "log", LogAuto,
		"form of the log on standard error: text, json, or auto, which is text on a terminal")
}

// inMessage are the fields that say again, for programs, what the message of their line says.
var inMessage = []string{"event", "method", "path"}

// plainAttr keeps text that callers wrote from driving a terminal, and what is said twice
// from being read twice.
func plainAttr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && slices.Contains(inMessage, a.Key) {
		return slog.Attr{}
	}
	if k := a.Value.Kind(); k == slog.KindString || k == slog.KindAny && a.Key != slog.LevelKey {
		a.Value = slog.StringValue(Plain(a.Value.String()))
	}
	return a
}
