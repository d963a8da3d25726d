package firestoredriver

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/shared/store/driver"
)

// How long a call waits, at most, before it is tried again, and how often a read is tried.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	readTries    = 5
)

// patiently makes a call again as long as its status is one that may pass, ctx lasts and
// there are tries left; 0 is no limit of tries. It returns what the last try did.
func patiently(ctx context.Context, tries int, passing []codes.Code, call func() error) error {
	for try, pause := 1, firstPause; ; try, pause = try+1, min(2*pause, longestPause) {
		err := call()
		if try == tries || !slices.Contains(passing, status.Code(err)) {
			return err
		}
		if driver.Wait(ctx, pause) != nil {
			return err
		}
	}
}

// read returns all that a stream brings, from its beginning again after a fault that may pass.
func read[Q, A any, S interface{ Recv() (*A, error) }](
	ctx context.Context, request *Q, open func(context.Context, *Q, ...grpc.CallOption) (S, error),
) ([]*A, error) {
	var answers []*A
	passing := []codes.Code{codes.Unavailable, codes.Internal, codes.DeadlineExceeded}
	err := patiently(ctx, readTries, passing, func() error {
		stream, err := open(ctx, request)
		if err != nil {
			return err
		}
		answers = nil
		for {
			answer, err := stream.Recv()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			answers = append(answers, answer)
		}
	})
	return answers, err
}
