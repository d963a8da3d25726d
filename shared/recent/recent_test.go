package recent

import "testing"

func TestCacheIsBoundedAndKeepsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := New[int, int](100)
	for i := range 10_000 {
		c.Put(i, i)
		if v, ok := c.Get(0); !ok || v != 0 {
			t.Fatalf("after %d values the first is gone, want it kept while it is asked for", i)
		}
		if got := len(c.new) + len(c.old); got > 200 {
			t.Fatalf("values: got %d, want at most 200", got)
		}
	}
	if _, ok := c.Get(5_000); ok {
		t.Error("a value that nobody asked for is still there")
	}
}

func TestPutReplacesWhatIsThere(t *testing.T) {
	t.Parallel()
	c := New[string, int](2)
	c.Put("a", 1)
	c.Put("a", 2)
	if v, ok := c.Get("a"); !ok || v != 2 {
		t.Errorf("got %d, %v, want 2", v, ok)
	}
}
