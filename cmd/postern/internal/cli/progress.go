package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	patience = 2 * time.Second        // that a person waits without a word
	turn     = 200 * time.Millisecond // of the spinner
	repeat   = 30 * time.Second       // between lines, where there is no terminal
)

// A progress says what a slow command does: on a terminal by a line that is drawn again
// and again, elsewhere by a line each time that other words are said, now and then.
type progress struct {
	w        io.Writer
	terminal bool

	mu     sync.Mutex
	text   string
	since  time.Time // when text began, by Begin
	paused bool
	drawn  bool // the terminal's line has our words
	said   string
	saidAt time.Time
	stop   chan struct{} // of the goroutine that draws; nil if none does
}

func newProgress(w io.Writer, terminal bool) *progress { return &progress{w: w, terminal: terminal} }

// Begin says what takes long from now on, should it take more than two seconds. What it
// returns ends that.
func (o *Output) Begin(text string) (end func()) { return o.progress.begin(text) }

// Going says in other words what takes long.
func (o *Output) Going(text string) {
	o.progress.mu.Lock()
	defer o.progress.mu.Unlock()
	o.progress.text = text
}

func (p *progress) begin(text string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, since := p.text, p.since
	p.text, p.since = text, time.Now()
	outermost := p.stop == nil
	if outermost {
		p.stop = make(chan struct{})
		go p.run(p.stop)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.text, p.since = before, since
		if outermost {
			close(p.stop)
			p.stop = nil
			p.clear()
		}
	}
}

func (p *progress) run(stop chan struct{}) {
	tick := time.NewTicker(turn)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
			p.show(stop, n)
		}
	}
}

// show draws or writes the line, if it is time.
func (p *progress) show(stop chan struct{}, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(p.since)
	switch {
	case p.stop != stop || p.paused || took < patience:
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%c %s %s", `|/-\`[n%4], Plain(p.text), took.Truncate(time.Second))
		p.drawn = true
	case p.text != p.said && (p.saidAt.IsZero() || time.Since(p.saidAt) >= repeat):
		fmt.Fprintf(p.w, "%s …\n", Plain(p.text))
		p.said, p.saidAt = p.text, time.Now()
	}
}

// clear takes our words off the terminal. Its caller holds mu.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

// pause keeps the terminal free until what it returns is called.
func (p *progress) pause() (resume func()) {
	set := func(paused bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.paused = paused
		p.clear()
	}
	set(true)
	return func() { set(false) }
}

// beside writes to a stream that may be the terminal on which progress is shown.
type beside struct {
	w io.Writer
	p *progress
}

func (b beside) Write(text []byte) (int, error) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.clear()
	return b.w.Write(text)
}
