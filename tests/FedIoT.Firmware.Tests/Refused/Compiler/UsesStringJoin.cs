public class UsesStringJoin { private static string Join(string[] a) { return string.Join(",", a); } }
