package report

import (
	"context"
	"math"
	"time"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

// Figures are the arguments of both tools.
type Figures struct {
	Title   string   `json:"title" jsonschema:"what the report is about"`
	Figures []Figure `json:"figures" jsonschema:"1 to 24 figures in their order"`
}

// A Figure is one bar.
type Figure struct {
	Label string  `json:"label"`
	Value float64 `json:"value" jsonschema:"0 or more"`
}

// A Report is what both tools return beside the picture.
type Report struct {
	Title   string  `json:"title"`
	Sum     float64 `json:"sum"`
	Mean    float64 `json:"mean"`
	Highest string  `json:"highest" jsonschema:"the label of the highest figure"`
	// Of a certified report:
	By string `json:"by,omitempty" jsonschema:"who stands for the report"`
	On string `json:"on,omitempty" jsonschema:"the day on which they did"`
}

const maxFigures, maxTitle = 24, 80

func (f Figures) check() error {
	switch n := utf8.RuneCountInString(f.Title); {
	case n == 0 || n > maxTitle:
		return mcp.Problem("a title has 1 to 80 letters")
	case len(f.Figures) == 0 || len(f.Figures) > maxFigures:
		return mcp.Problem("a report has 1 to 24 figures")
	}
	for _, v := range f.Figures {
		if v.Value < 0 || math.IsInf(v.Value, 0) {
			return mcp.Problem("the figure " + v.Label + " is below 0")
		}
	}
	return nil
}

func (f Figures) sumUp() (Report, int) {
	r, highest := Report{Title: f.Title}, 0
	for i, v := range f.Figures {
		r.Sum += v.Value
		if v.Value > f.Figures[highest].Value {
			highest = i
		}
	}
	r.Mean, r.Highest = r.Sum/float64(len(f.Figures)), f.Figures[highest].Label
	return r, highest
}

func plain(ctx context.Context, _ mcp.Caller, in Figures) (mcp.Result[Report], error) {
	return drawn(ctx, in, false)
}

func certified(ctx context.Context, d mcp.Deps, c mcp.Caller, in Figures) (mcp.Result[Report], error) {
	res, err := drawn(ctx, in, true)
	res.Value.By, res.Value.On = c.Person.Login, d.Now().UTC().Format(time.DateOnly)
	return res, err
}

// drawn tells after each bar how far it is.
func drawn(ctx context.Context, in Figures, frame bool) (mcp.Result[Report], error) {
	if err := in.check(); err != nil {
		return mcp.Result[Report]{}, err
	}
	report, highest := in.sumUp()
	p := newPicture(frame)
	for i, v := range in.Figures {
		p.bar(i, len(in.Figures), share(v.Value, in.Figures[highest].Value), i == highest)
		mcp.Progress(ctx, float64(i+1), float64(len(in.Figures)), v.Label)
		if ctx.Err() != nil {
			return mcp.Result[Report]{}, ctx.Err() // nobody waits for it
		}
	}
	png, err := p.png()
	return mcp.Result[Report]{
		Value: report, Content: mcp.Content{&sdk.ImageContent{MIMEType: "image/png", Data: png}},
	}, err
}

// share is what a figure has of the highest one.
func share(value, highest float64) float64 {
	if highest == 0 {
		return 0
	}
	return value / highest
}
