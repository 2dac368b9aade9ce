package intel

// Bare is a config without lists: an object is found by its values, type and id alone.
func Bare(c Config) Config {
	c.bare = true
	return c
}

// BucketAt is the bucket in which a value is put when there are so many rows.
var BucketAt = bucketAt
