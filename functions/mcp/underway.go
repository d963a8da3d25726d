package mcp

import (
	"fmt"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/httperr"
)

// maxUnderway is how many requests of one person may be under way in a process at a time, open
// streams among them: more than people's clients come to, and few enough to leave room for
// others.
const maxUnderway = 100

// underway counts the requests of each person, at whichever endpoint. The zero underway has
// none.
type underway struct {
	mu sync.Mutex
	of map[string]int // by subject
}

// enter counts a request, which leave ends, or says that there are too many.
func (u *underway) enter(subject string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = map[string]int{}
	}
	if u.of[subject] >= maxUnderway {
		return httperr.Wait(time.Second, fmt.Sprintf(
			"you have %d requests and streams open here: end one before you begin the next", maxUnderway))
	}
	u.of[subject]++
	return nil
}

func (u *underway) leave(subject string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of[subject]--; u.of[subject] == 0 {
		delete(u.of, subject)
	}
}
