public class UsesStream { public static object Open() { return new System.IO.FileStream("I:\\a", System.IO.FileMode.Open); } }
