"""Help-centre articles and product catalogues become answers: `data.articles.intake.read_source` is the door."""
