package cli

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"

	"github.com/postern-dev/postern/shared/telemetry"
)

// The forms of a log.
const (
	LogAuto = "auto" // text on a terminal, else JSON
	LogText = "text" // for people
	LogJSON = "json" // as Cloud Logging takes it
)

// Logger returns the log of a server that runs in this process, on w, in one of the
// forms. A terminal gets colours.
func Logger(w io.Writer, form string, level slog.Leveler) (*slog.Logger, error) {
	terminal := isTerminal(w)
	switch {
	case form == LogJSON, form == LogAuto && !terminal:
		return telemetry.NewLogger(w, level, ""), nil
	case form == LogText, form == LogAuto:
		return telemetry.NewLoggerOver(tint.NewTextHandler(w, &tint.Options{
			Level: level, TimeFormat: time.TimeOnly, NoColor: !terminal, ReplaceAttr: plainAttr,
		})), nil
	}
	return nil, Usage("--log %s: want %s, %s or %s", form, LogAuto, LogText, LogJSON)
}

// plainAttr keeps text that callers wrote from driving a terminal.
func plainAttr(_ []string, a slog.Attr) slog.Attr {
	if k := a.Value.Kind(); k == slog.KindString || k == slog.KindAny && a.Key != slog.LevelKey {
		a.Value = slog.StringValue(Plain(a.Value.String()))
	}
	return a
}
