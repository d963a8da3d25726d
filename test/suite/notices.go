package suite

import (
	"context"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

// notices are the tools that send something before they answer.
func notices() []mcp.Part {
	return []mcp.Part{
		mcp.NewTool(sdk.Tool{Name: "test_tool_with_logging", Description: "Sends three log lines."}, logging),
		mcp.NewTool(sdk.Tool{Name: "test_tool_with_progress", Description: "Says how far it is."}, progress),
		mcp.NewTool(sdk.Tool{Name: "test_logging_tool", Description: "Sends a log line to who wants it."},
			func(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
				mcp.Log(ctx, "info", "test_logging_tool ran")
				return "logged", nil
			}),
		mcp.NewTool(sdk.Tool{Name: "test_streaming_elicitation", Description: "Says how far it is."}, progress),
	}
}

func logging(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
	for _, line := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
		mcp.Log(ctx, "info", line)
		if err := pause(ctx); err != nil {
			return "", err
		}
	}
	return "logged three lines", nil
}

func progress(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
	for _, done := range []float64{0, 50, 100} {
		mcp.Progress(ctx, done, 100, "working")
		if err := pause(ctx); err != nil {
			return "", err
		}
	}
	return "done", nil
}

// pause is what the suite wants between two notices.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}
