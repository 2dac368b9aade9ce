package intel

// Bare is a config without lists: an object is found by its values, type and id alone.
func Bare(c Config) Config {
	c.bare = true
	return c
}

// BucketOf is the bucket of a value.
var BucketOf = bucketOf
