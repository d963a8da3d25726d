package fastmcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/redis/go-redis/v9"
)

// scanCount is about how many keys one step of a walk over Redis looks at.
const scanCount = 1000

// readRedis reads what is under collection::key. Every key that may be one is looked at, and
// only those of the collection are read.
func readRedis(ctx context.Context, address, asked string) ([]document, error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", withoutAddress(err))
	}
	client := redis.NewClient(options)
	defer client.Close()
	var keys []redisKey
	walk := client.Scan(ctx, 0, "*::*", scanCount).Iterator()
	for walk.Next(ctx) {
		keys = append(keys, redisKey(walk.Val()))
	}
	if err := walk.Err(); err != nil {
		return nil, fmt.Errorf("read Redis at %s: %w", options.Addr, err)
	}
	return pick(unique(keys), asked, func(key redisKey) (document, error) {
		body, err := client.Get(ctx, string(key)).Bytes()
		if errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") { // gone meanwhile, or no text
			err = nil
		}
		return document{key: string(key), body: body}, err
	})
}

type redisKey string

func (k redisKey) compound() string { return string(k) }

// unique leaves out what a walk over Redis met twice, as it may.
func unique(keys []redisKey) []redisKey {
	seen := map[redisKey]bool{}
	var out []redisKey
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// withoutAddress is an error about an address that does not repeat it: it may have a password.
func withoutAddress(err error) error {
	if _, parse := errors.AsType[*url.Error](err); parse {
		return errors.New("this is not a URL such as redis://HOST:6379/0")
	}
	return err
}
