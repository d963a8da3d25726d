package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// A load is a number of callers, each with a connection that is kept, who send requests that
// are ready-made as bytes, one after the other.
type load struct {
	callers int
	next    func(caller int) []byte         // the request to send
	learn   func(caller int, answer []byte) // if not nil, is told each answer
}

// same returns a load of one request again and again.
func same(callers int, request []byte) load {
	return load{callers: callers, next: func(int) []byte { return request }}
}

// A measurement is what a load got of a side.
type measurement struct {
	rate float64       // requests a second
	cpu  float64       // microseconds of the side's core for a request
	p50  time.Duration // from sending a request to the end of its answer
}

// run sends a number of requests to s, in all.
func (l load) run(b *testing.B, s side, requests int) measurement {
	b.Helper()
	each := requests / l.callers
	took, errs := make([][]time.Duration, l.callers), make([]error, l.callers)
	before, start := s.cpu(b), time.Now()
	var all sync.WaitGroup
	for i := range l.callers {
		all.Go(func() { took[i], errs[i] = l.call(i, s.address, each) })
	}
	all.Wait()
	elapsed, used := time.Since(start), s.cpu(b)-before
	for _, err := range errs {
		if err != nil {
			b.Fatalf("%v\n%s", err, s.Log.Tail(2000))
		}
	}
	times := slices.Sorted(slices.Values(slices.Concat(took...)))
	n := float64(len(times))
	return measurement{n / elapsed.Seconds(), float64(used.Microseconds()) / n, times[len(times)/2]}
}

func (l load) call(caller int, address string, requests int) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	times := make([]time.Duration, 0, requests)
	for range requests {
		request := l.next(caller)
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("status %d %s: %w", resp.StatusCode, answer, err)
		}
		times = append(times, time.Since(start))
		if l.learn != nil {
			l.learn(caller, answer)
		}
	}
	return times, nil
}
