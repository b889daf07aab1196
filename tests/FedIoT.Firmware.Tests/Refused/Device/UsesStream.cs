using System.IO;

public class UsesStream { public static object Open() { return new FileStream("I:\\a", FileMode.Open); } }
