public class UsesIterator { private static System.Collections.IEnumerable Values() { yield return 1; } }
