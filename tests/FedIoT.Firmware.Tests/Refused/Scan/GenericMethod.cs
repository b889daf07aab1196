public class GenericMethod { public static T Same<T>(T value) { return value; } }
