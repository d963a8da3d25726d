package stdio

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMain makes the test's own program act as the command.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "act" {
		roles[os.Args[2]]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// as is the command line of a role.
func as(role string) []string { return []string{os.Args[0], "act", role} }

var roles = map[string]func(){
	"server": func() {
		fmt.Println("Example server, running on stdio") // as many do
		serve()
	},
	"broken": func() {
		fmt.Fprintln(os.Stderr, "API_KEY is not set")
		os.Exit(3)
	},
	"chatty": func() { fmt.Println(`{"level":"info","msg":"started"}`); select {} },
	"modern": modern,
	"stubborn": func() {
		signal.Ignore(syscall.SIGTERM)
		serve()
		if os.Getenv("POSTERN_SUBJECT") != "" {
			select {}
		}
	},
	"sleeper": func() { select {} },
}

// A seen is what the tool whoami saw.
type seen struct {
	Caller  wireCaller     `json:"caller"`
	Meta    map[string]any `json:"meta"`
	Subject string         `json:"subject"` // of the environment
	Secret  string         `json:"secret"`  // a setting of the environment
	Pid     int            `json:"pid"`
	Child   int            `json:"child"` // another process that was started
}

// serve is a server on the official SDK.
func serve() {
	about := &sdk.Implementation{Name: "example", Title: "Example", Version: "1.2.3"}
	s := sdk.NewServer(about, &sdk.ServerOptions{
		Instructions: "Ask.",
		CompletionHandler: func(_ context.Context, r *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
			return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{
				Values: []string{r.Params.Argument.Value + "o"},
			}}, nil
		},
	})
	sdk.AddTool(s, &sdk.Tool{Name: "whoami"},
		func(_ context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, seen, error) {
			w := seen{
				Meta: r.Params.Meta, Pid: os.Getpid(),
				Subject: os.Getenv("POSTERN_SUBJECT"), Secret: os.Getenv("STORE"),
			}
			raw, err := json.Marshal(r.Params.Meta[callerKey])
			if err != nil {
				return nil, w, err
			}
			return nil, w, json.Unmarshal(raw, &w.Caller)
		})
	sdk.AddTool(s, &sdk.Tool{Name: "spawn"},
		func(_ context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, seen, error) {
			cmd := exec.Command(os.Args[0], "act", "sleeper")
			cmd.Stderr = os.Stderr
			err := cmd.Start()
			return nil, seen{Meta: r.Params.Meta, Pid: os.Getpid(), Child: cmd.Process.Pid}, err
		})
	tell := func(name string, do func(context.Context, *sdk.CallToolRequest) string) {
		sdk.AddTool(s, &sdk.Tool{Name: name},
			func(ctx context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
				return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: do(ctx, r)}}}, nil, nil
			})
	}
	progress := func(ctx context.Context, r *sdk.CallToolRequest, n float64) {
		_ = r.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{
			ProgressToken: r.Params.GetProgressToken(), Progress: n,
		})
	}
	tell("count", func(ctx context.Context, r *sdk.CallToolRequest) string {
		for n := range 3 {
			progress(ctx, r, float64(n+1))
		}
		return "counted"
	})
	tell("wait", func(ctx context.Context, r *sdk.CallToolRequest) string {
		progress(ctx, r, 1)
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "cancelled")
		return "never"
	})
	tell("log", func(ctx context.Context, r *sdk.CallToolRequest) string {
		//nolint:staticcheck // servers of older revisions log
		_ = r.Session.Log(ctx, &sdk.LoggingMessageParams{Level: "info", Data: "noted"})
		return "logged"
	})
	tell("ask", func(ctx context.Context, r *sdk.CallToolRequest) string {
		_, err := r.Session.Elicit(ctx, &sdk.ElicitParams{Message: "Sure?"})
		return fmt.Sprint(err)
	})
	tell("die", func(context.Context, *sdk.CallToolRequest) string { os.Exit(3); return "" })
	s.AddPrompt(&sdk.Prompt{Name: "hello"},
		func(context.Context, *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			text := &sdk.TextContent{Text: "Say hello."}
			return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user", Content: text}}}, nil
		})
	read := func(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		manual := &sdk.ResourceContents{URI: r.Params.URI, Text: "the manual"}
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{manual}}, nil
	}
	s.AddResource(&sdk.Resource{Name: "manual", URI: "example://manual"}, read)
	s.AddResourceTemplate(&sdk.ResourceTemplate{Name: "page", URITemplate: "example://page/{n}"}, read)
	_ = s.Run(context.Background(), &sdk.StdioTransport{})
}

// modern is a server that has no handshake, with one tool.
func modern() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var m struct {
			ID     any    `json:"id"`
			Method string `json:"method"`
			Params struct {
				Meta map[string]any `json:"_meta"`
			} `json:"params"`
		}
		if json.Unmarshal(in.Bytes(), &m) != nil || m.ID == nil {
			continue
		}
		answer := map[string]any{"jsonrpc": "2.0", "id": m.ID}
		switch {
		case m.Params.Meta[sdk.MetaKeyProtocolVersion] != modernVersion:
			answer["error"] = map[string]any{"code": sdk.CodeUnsupportedProtocolVersion, "message": "too old"}
		case m.Method == "server/discover":
			answer["result"] = map[string]any{
				"resultType": "complete", "supportedVersions": []string{modernVersion},
				"serverInfo":   map[string]any{"name": "modern", "version": "1"},
				"capabilities": map[string]any{"tools": map[string]any{}},
			}
		case m.Method == "tools/list":
			answer["result"] = map[string]any{"resultType": "complete", "tools": []any{
				map[string]any{"name": "hello", "inputSchema": map[string]any{"type": "object"}},
			}}
		default:
			answer["result"] = map[string]any{"resultType": "complete", "content": []any{
				map[string]any{"type": "text", "text": "hello"},
			}}
		}
		_ = json.NewEncoder(os.Stdout).Encode(answer)
	}
}
