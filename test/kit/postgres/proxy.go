package postgres

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A Loss is what a [Proxy] does to one message.
type Loss int

// What may get lost.
const (
	Answer  Loss = iota + 1 // the message arrives and is done; its answer does not come back
	Line                    // the message arrives; the connection is gone with the next Cut
	Message                 // the message does not arrive
)

// A Proxy stands between a program and a server and loses what it is told to. It never passes
// on what asks the server to give up a call.
type Proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	text  []byte // the message that contains it is lost
	loss  Loss   // 0 for none
	times int

	cut chan struct{}
}

// NewProxy starts a proxy in front of s.
func NewProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: s.Address(), cut: make(chan struct{})}
	t.Cleanup(func() { _ = l.Close() })
	go p.serve()
	return p
}

// URL turns the URL of a database into one through the proxy.
func (p *Proxy) URL(t testing.TB, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

// Lose loses the next messages that contain a text, so many times.
func (p *Proxy) Lose(loss Loss, text string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loss, p.text, p.times = loss, []byte(text), times
}

// Cut cuts the connection whose message was to lose its Line, once that has arrived.
func (p *Proxy) Cut() { p.cut <- struct{}{} }

// Left returns how many of the losses have not happened.
func (p *Proxy) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.times
}

// cancelRequest is the code of such a message, 80877102.
var cancelRequest = []byte{0x04, 0xd2, 0x16, 0x2e}

func (p *Proxy) take(message []byte) Loss {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.times == 0 || !bytes.Contains(message, p.text) {
		return 0
	}
	p.times--
	return p.loss
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.carry(client)
	}
}

// carry passes messages on until one is lost or an end closes. What a client sends at once is
// taken for one message.
func (p *Proxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	answers := &valve{to: client}
	go func() {
		_, _ = io.Copy(answers, server)
		client.Close()
	}()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		loss := p.take(buffer[:n])
		if loss == Message || bytes.Contains(buffer[:n], cancelRequest) {
			return
		}
		if loss == Answer {
			answers.shut()
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		switch loss {
		case Answer:
			answers.wait()
			return
		case Line:
			<-p.cut
			return
		}
	}
}

// A valve passes answers on until it is shut; then it swallows them and says when one came.
type valve struct {
	to io.Writer

	mu   sync.Mutex
	came chan struct{} // nil while open
	once sync.Once
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.came = make(chan struct{})
}

func (v *valve) wait() { <-v.came }

func (v *valve) Write(answer []byte) (int, error) {
	v.mu.Lock()
	came := v.came
	v.mu.Unlock()
	if came == nil {
		return v.to.Write(answer)
	}
	v.once.Do(func() { close(came) })
	return len(answer), nil
}
