package report

import (
	"bytes"
	"context"
	"image/color"
	"image/png"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp/mcptest"
)

var sales = Figures{Title: "Sales", Figures: []Figure{{"January", 2}, {"February", 8}, {"March", 0}}}

// draws calls a tool and returns its report and the colours of a picture at some points.
func draws(t *testing.T, me *mcptest.Client, tool string, points ...[2]int) (Report, []color.Color) {
	t.Helper()
	var got Report
	me.Call(tool, sales, &got)
	res, err := me.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: sales})
	if err != nil {
		t.Fatal(err)
	}
	picture, ok := res.Content[1].(*sdk.ImageContent)
	if !ok || picture.MIMEType != "image/png" {
		t.Fatalf("got %+v, want a picture beside the text", res.Content)
	}
	image, err := png.Decode(bytes.NewReader(picture.Data))
	if err != nil {
		t.Fatal(err)
	}
	var colours []color.Color
	for _, p := range points {
		colours = append(colours, image.At(p[0], p[1]))
	}
	return got, colours
}

func TestTheReportIsDrawnAndSummedUp(t *testing.T) {
	t.Parallel()
	me := mcptest.Start(t, New).SignIn("octocat")
	// The foot and the head of the bars, and where the frame of a certified one would be.
	points := [][2]int{{50, 330}, {50, 200}, {300, 330}, {300, 25}, {500, 335}, {1, 1}}
	got, colours := draws(t, me, "report", points...)
	if want := (Report{Title: "Sales", Sum: 10, Mean: 10.0 / 3, Highest: "February"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i, want := range []color.Color{ink, paper, highest, highest, paper, paper} {
		if colours[i] != want {
			t.Errorf("point %d: got %v, want %v", i, colours[i], want)
		}
	}
}

// Each bar is told of, to a caller who asked.
func TestEachBarIsProgress(t *testing.T) {
	t.Parallel()
	told := make(chan string, 8)
	me := mcptest.Start(t, New).Connect("octocat", &sdk.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
			told <- r.Params.Message
		},
	})
	params := &sdk.CallToolParams{Name: "report", Arguments: sales}
	params.SetProgressToken("p")
	if _, err := me.CallTool(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"January", "February", "March"} {
		if got := <-told; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A certified report has a name and a frame, and needs a right of its own.
func TestACertifiedReportNeedsItsScope(t *testing.T) {
	t.Parallel()
	e := mcptest.Start(t, New)
	got, colours := draws(t, e.SignIn("octocat", ScopeCertify), "certify", [2]int{1, 1})
	if got.By != "octocat" || got.On == "" || colours[0] != gold {
		t.Errorf("got %+v and %v, want octocat and a frame", got, colours[0])
	}
	_, err := e.SignIn("hubot").CallTool(t.Context(), &sdk.CallToolParams{Name: "certify", Arguments: sales})
	if err == nil {
		t.Error("without the scope: got a result")
	}
}

func TestWhatCannotBeDrawnIsSaid(t *testing.T) {
	t.Parallel()
	me := mcptest.Start(t, New).SignIn("octocat")
	for want, in := range map[string]Figures{
		"a title has 1 to 80 letters":   {Figures: sales.Figures},
		"a report has 1 to 24 figures":  {Title: "Sales", Figures: []Figure{}},
		"the figure January is below 0": {Title: "Sales", Figures: []Figure{{"January", -1}}},
	} {
		if got := me.Problem("report", in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPromptAndResourceLeadToTheTool(t *testing.T) {
	t.Parallel()
	me := mcptest.Start(t, New).SignIn("octocat")
	prompt, err := me.GetPrompt(t.Context(), &sdk.GetPromptParams{
		Name: "quarter", Arguments: map[string]string{"subject": "sales"},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := prompt.Messages[0].Content.(*sdk.TextContent).Text
	if !strings.Contains(text, "about sales,") || !strings.Contains(text, "tell octocat") {
		t.Errorf("prompt: got %q", text)
	}
	read, err := me.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "report://format"})
	if err != nil || read.Contents[0].Text != format || read.Contents[0].MIMEType != "text/markdown" {
		t.Errorf("resource: got %+v, %v", read, err)
	}
}
